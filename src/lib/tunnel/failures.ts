import { KitError } from '../core/errors.js';
import { formatProposal, type ProposalTemplate } from '../ike/proposals.js';
import type { RetransmitSchedule } from '../ike/session/types.js';
import { formatEndpoint } from './events.js';

/** What a client knows about an attempt besides the error. */
export interface Attempt {
  /** As the user wrote it. */
  gateway: string;
  address: string;
  port: number;
  natPort: number;
  ikeProposals: readonly ProposalTemplate[];
  espProposals: readonly ProposalTemplate[];
  /** Whether any IKE datagram came from the gateway on its first port and on its NAT-T port. */
  heard: boolean;
  heardNatT: boolean;
  /** Whether IKE_SA_INIT was completed, so that requests went to the NAT-T port. */
  movedToNatT: boolean;
}

/** The failure of a connection as one sentence that names gateway and cause, with the next step. */
export function connectFailure(error: KitError, attempt: Attempt): KitError {
  if (error.kind === 'usage' || error.kind === 'environment' || error.kind === 'bug') return error;
  if (error.kind === 'network') return silence(error, attempt);
  const hint = hintFor(error, attempt);
  return new KitError(
    error.kind,
    error.code,
    `Cannot connect to ${nameOf(attempt)}: ${lowerFirst(error.message)}`,
    { ...(hint === undefined ? {} : { hint }), cause: error },
  );
}

/** Why a refusal does not end the attempt at once (RFC 7296 2.21.1). */
export function unconfirmed(error: KitError, address: string, schedule: RetransmitSchedule): string {
  const answered =
    error.kind === 'refused'
      ? `answered ${error.code.slice('E_'.length)}`
      : `answered what cannot be used (${error.code})`;
  const { initial, factor, sends } = schedule;
  const patience = Array.from({ length: sends }, (_, i) => initial * factor ** i).reduce((a, b) => a + b, 0);
  const seconds = Math.round(patience / 1000);
  return `${address} ${answered}; that is not authenticated, so it is asked again for up to ${seconds} s`;
}

/** Says which port stayed silent, because that tells a firewall from a gateway that is off. */
function silence(error: KitError, attempt: Attempt): KitError {
  const { address, port, natPort, heard, heardNatT, movedToNatT } = attempt;
  const first = formatEndpoint({ address, port });
  const second = formatEndpoint({ address, port: natPort });
  let message = `${nameOf(attempt)} did not answer: nothing came from UDP ${first}`;
  let hint = `Check the address, that IKE runs there, and that no firewall drops UDP ports ${port} and ${natPort}.`;
  if (heardNatT) {
    message = `${nameOf(attempt)} stopped answering on UDP ${second} before the tunnel was up`;
    hint = 'Look into the log of the gateway: it may have dropped the request, or its answer was lost.';
  } else if (heard && movedToNatT) {
    message = `${nameOf(attempt)} answered on UDP ${first}, but nothing came from UDP ${second}`;
    hint = `Let UDP port ${natPort} through, or look into the log of the gateway: some drop an IKE_AUTH that they do not like.`;
  } else if (heard) {
    message = `${nameOf(attempt)} stopped answering on UDP ${first}: ${lowerFirst(error.message)}`;
    hint = error.hint ?? hint;
  } else if (error.code === 'E_NO_ROUTE' || error.code === 'E_RESOLVE') {
    return error;
  }
  return new KitError('network', error.code, message, { hint, cause: error });
}

function hintFor(error: KitError, attempt: Attempt): string | undefined {
  if (!error.code.includes('PROPOSAL')) return error.hint;
  const child = /child/i.test(error.message);
  const offered = child ? attempt.espProposals : attempt.ikeProposals;
  const flag = child ? '--esp' : '--ike';
  const keywords = offered.map(({ transforms }) => formatProposal(transforms)).join(',');
  return `Offer what the gateway is configured for with ${flag}; offered was ${keywords}.`;
}

function nameOf({ gateway, address }: Attempt): string {
  return gateway === address || address === '' ? gateway : `${gateway} (${address})`;
}

/** A sentence to follow a colon: `The peer …` becomes `the peer …`, `PSK` stays. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

/** What was not thrown on purpose, as an error of the taxonomy. */
export function internalError(cause: unknown): KitError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new KitError('bug', 'E_INTERNAL', `An internal error ended the session: ${text}`, {
    hint: 'Please report it, with the log.',
    cause,
  });
}
