import { addressOf } from '../evidence.js';
import type { EapReport, IkeSaReport, MessageReport, Role } from '../types.js';
import { SHARED_KEY } from '../words.js';
import { type Emit, findingGroup } from './group.js';
import { answerer, asker, exchangesNamed, framesOf, messagesIn, secondsToEnd } from './queries.js';

const kinds = {
  'eap-failed': {
    severity: 'high',
    summary: 'EAP ended with Failure: user name or password were wrong, or the method was not accepted.',
    advice:
      'Check the user name (with or without domain) and password, the EAP method of both sides, and the log of the RADIUS server if there is one.',
  },
  'eap-method-refused': {
    severity: 'high',
    summary: 'The client refused the EAP method that the server offered, and they found no other.',
    advice:
      'Allow one method on both sides: the server must offer what the client is set up for (strongSwan: remote.auth = eap-mschapv2 or eap-tls), or the client must be set to what the server offers.',
  },
  'eap-tls-alert': {
    severity: 'high',
    summary: 'TLS inside EAP ended with an alert: one side refused what the other showed or offered.',
    advice: 'The log of the side that sent the alert says more.',
  },
  'eap-abandoned': {
    severity: 'medium',
    summary: 'The client stopped in the middle of EAP without an error.',
    advice:
      'The client knows why: nobody answered its question for the password, it does not believe the server, or its method failed. See its log.',
  },
  'eap-gateway-psk': {
    severity: 'medium',
    summary: 'The gateway proves itself to EAP clients with a pre-shared key that all of them know.',
    advice:
      'Every client can pose as the gateway and collect the passwords of others: give the gateway a certificate, as RFC 7296 section 2.16 demands.',
  },
} as const;

type Id = keyof typeof kinds;

/** Authentication by EAP, from the first request to its end. */
export const eap = findingGroup('eap', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    const talk = messagesIn(sa).flatMap(({ message, from }) =>
      message.eap === undefined ? [] : [{ message, from, eap: message.eap }],
    );
    if (talk.length === 0) continue;
    if (!findAlert(talk, emit)) findFailure(sa, talk, emit);
    findStop(sa, secondsToEnd(report, sa.last.time), emit);
    findSharedKey(sa, emit);
  }
});

type Talk = readonly { message: MessageReport; from: Role; eap: EapReport }[];

/** Identity and Notification are no methods, and a Nak is the refusal of one. */
const isMethod = ({ type }: EapReport): boolean =>
  type !== undefined && !['Identity', 'Notification', 'Legacy Nak'].includes(type);

function userOf(talk: Talk): string {
  const identity = talk.find(({ eap }) => eap.identity !== undefined)?.eap.identity;
  return identity === undefined ? '' : ` for the user '${identity}'`;
}

/** Whether EAP tells why there was no authentication: a later AUTHENTICATION_FAILED is only its consequence. */
export function endedByEap(sa: IkeSaReport): boolean {
  const said = messagesIn(sa).map(({ message }) => message.eap);
  return (
    said.some((eap) => isRefusal(eap) || isBadAlert(eap)) && !said.some((eap) => eap?.code === 'Success')
  );
}

function isBadAlert(eap: EapReport | undefined): boolean {
  return eap?.alert !== undefined && eap.alert !== 'close_notify';
}

/** @returns whether there was one; what follows it is only its consequence */
function findAlert(talk: Talk, emit: Emit<Id>): boolean {
  const found = talk.find(({ eap }) => isBadAlert(eap));
  const alert = found?.eap.alert;
  if (found === undefined || alert === undefined) return false;
  emit(
    'eap-tls-alert',
    [found.message.frames],
    `${addressOf(found.message.src)} ended ${found.eap.type ?? 'TLS'} with the alert ${alert}${userOf(talk)}.`,
    talk.some(({ eap, from }) => from === 'initiator' && eap.step?.includes(NO_CERTIFICATE)) &&
      found.from === 'responder'
      ? alertAdvice('certificate_required', found.from)
      : alertAdvice(alert, found.from),
  );
  return true;
}

/** An empty Certificate message; TLS 1.2 has no alert of its own for it. */
const NO_CERTIFICATE = 'Certificate (none)';

function alertAdvice(alert: string, from: Role): string | undefined {
  const [here, there] = from === 'initiator' ? ['client', 'server'] : ['server', 'client'];
  switch (alert) {
    case 'unknown_ca':
      return `The ${here} does not trust the CA of the ${there}'s certificate: give the ${here} that CA, or the ${there} a certificate of a CA that the ${here} trusts, with the CAs between.`;
    case 'certificate_expired':
      return `Renew the certificate of the ${there}; if it should be valid, check the clocks of both.`;
    case 'certificate_revoked':
      return `The certificate of the ${there} is on a revocation list: issue a new one.`;
    case 'bad_certificate':
    case 'certificate_unknown':
    case 'unsupported_certificate':
      return `The ${here} refused the certificate of the ${there}: look at its names (a client compares the server's name), its extended key usages (serverAuth, clientAuth), its key and its signature. The log of the ${here} says which.`;
    case 'certificate_required':
      return 'The client sent no certificate: give it one with its key.';
    case 'handshake_failure':
    case 'insufficient_security':
    case 'protocol_version':
      return 'They have no TLS version, cipher suite or kind of key in common: old clients know TLS 1.0 only, and servers refuse that.';
    case 'decrypt_error':
      return `A signature of the ${there} does not verify: its key does not belong to its certificate.`;
    case 'access_denied':
      return `The certificate is believed, but the ${here} does not let the ${there} in: check what it is allowed to.`;
    default:
      return undefined;
  }
}

/** RFC 2759 6. A server says 691 for an unknown user, too, so that names cannot be tried. */
const mschapAdvice: Readonly<Record<number, string>> = {
  646: 'The account may not log in at this hour: ask whoever administers it.',
  647: 'The account is disabled: ask whoever administers it.',
  648: 'The password has expired: set a new one where that is possible (few VPN clients can).',
  649: 'The account may not dial in: allow it in the user directory (Active Directory: Network Access Permission).',
  691: 'Wrong password or unknown user; the server says the same for both. Check the name as the server has it (with or without domain, with its case) and type the password anew; some clients keep an old one.',
};

function findFailure(sa: IkeSaReport, talk: Talk, emit: Emit<Id>): void {
  const failed = exchangesNamed(sa, 'IKE_AUTH').findLast(({ response }) => isRefusal(response?.eap));
  // A second attempt may have been allowed, and have been right.
  if (failed === undefined || talk.some(({ eap }) => eap.code === 'Success')) return;
  const who = userOf(talk);
  const nak = talk.findLast(({ eap }) => eap.desired !== undefined);
  const after = nak && talk.slice(talk.indexOf(nak) + 1).some(({ eap }) => isMethod(eap));
  const offered = talk.findLast(({ eap }) => isMethod(eap))?.eap.type;
  if (nak !== undefined && after === false) {
    emit(
      'eap-method-refused',
      [nak.message.frames, framesOf(failed)],
      `${answerer(failed)} offered ${offered ?? 'a method'}, but ${asker(failed)} wants ${nak.eap.desired?.join(' or ') || 'another'}, and EAP ended with Failure${who}.`,
    );
    return;
  }
  const told = talk.findLast(({ eap }) => eap.error !== undefined);
  const { error, meaning } = told?.eap ?? {};
  const reason = error === undefined ? '' : `: E=${error}${meaning === undefined ? '' : `, ${meaning}`}`;
  emit(
    'eap-failed',
    [told?.message.frames, framesOf(failed)],
    `${answerer(failed)} ended ${offered ?? 'EAP'} with Failure${who}${reason}.`,
    error === undefined ? undefined : mschapAdvice[error],
  );
}

/** EAP's own, or MSCHAPv2's, after which some clients wait for nothing more. */
function isRefusal(eap: EapReport | undefined): boolean {
  return eap?.code === 'Failure' || (eap?.code === 'Request' && eap.error !== undefined);
}

/** Long enough for people to type a password. */
const PATIENCE_SECONDS = 60;

function findStop(sa: IkeSaReport, secondsAfter: number, emit: Emit<Id>): void {
  const last = sa.exchanges.at(-1);
  const request = last?.response?.eap;
  if (sa.state !== 'half-open' || last?.exchange !== 'IKE_AUTH' || request?.code !== 'Request') return;
  if (secondsAfter < PATIENCE_SECONDS && request.type !== undefined && !isFinal(request)) return;
  const what = [request.type, request.step].filter(Boolean).join(': ');
  emit(
    'eap-abandoned',
    [framesOf(last)],
    `${asker(last)} did not go on after the EAP request ${what} of ${answerer(last)}.`,
    isFinal(request)
      ? "The server had accepted the client, which did not accept the server's proof: the server does not know the password itself, or somebody stands between."
      : undefined,
  );
}

/** The last word of MSCHAPv2, which a client that believes it answers at once. */
function isFinal({ step }: EapReport): boolean {
  return step === 'Success';
}

function findSharedKey(sa: IkeSaReport, emit: Emit<Id>): void {
  const proof = messagesIn(sa).find(
    ({ from, message }) =>
      from === 'responder' && message.idR !== undefined && message.authMethod === SHARED_KEY,
  );
  if (proof === undefined) return;
  emit(
    'eap-gateway-psk',
    [proof.message.frames],
    `${addressOf(proof.message.src)} asks for EAP, but proves itself with a pre-shared key.`,
  );
}
