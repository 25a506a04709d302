import { KitError } from '../../../core/errors.js';

/** The other side broke the protocol. */
export function protocolError(what: string): KitError {
  return new KitError('protocol', 'E_EAP_PROTOCOL', what);
}

/** The caller asked for a conversation that cannot be. */
export function optionsError(what: string, options: { hint?: string; cause?: unknown } = {}): KitError {
  return new KitError('usage', 'E_EAP_OPTIONS', what, options);
}

/** Whatever was thrown as an error of ours. */
export function kitErrorOf(error: unknown): KitError {
  if (error instanceof KitError) return error;
  return new KitError('bug', 'E_EAP_BUG', 'EAP ended with an error of this program', { cause: error });
}

/** The other side's certificate is not believed, in the words of whoever checked it. */
export function untrusted(code: 'E_EAP_SERVER' | 'E_EAP_CLIENT', what: string, cause?: unknown): KitError {
  const { message, hint } = cause instanceof KitError ? cause : {};
  return new KitError('refused', code, message === undefined ? what : `${what}: ${message}`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}
