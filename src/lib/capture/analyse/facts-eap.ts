import { addCertificate, LIMITS, type PayloadReader } from './content.js';
import { list, number, record, text } from './reading.js';
import type { EapReport } from './types.js';

type Fields = Readonly<Record<string, unknown>>;

/** Reads the fields of an EAP payload, and the certificates that came in its TLS. */
export const readEap: PayloadReader = (content, { fields }) => {
  if (content.eap !== undefined) return;
  const { code, type, method, identity, desired, mschapv2, tls } = fields;
  const eap: EapReport = { code: text(code) };
  const name = method ?? type;
  if (name !== undefined) eap.type = text(name);
  if (identity !== undefined) eap.identity = text(identity);
  if (desired !== undefined) eap.desired = list(desired, LIMITS.items).map(text);
  if (mschapv2 !== undefined) Object.assign(eap, mschapFacts(record(mschapv2)));
  if (tls !== undefined) Object.assign(eap, tlsFacts(record(tls)));
  content.eap = eap;
  for (const certificate of list(record(tls).certificates, LIMITS.certificates)) {
    addCertificate(content, certificate);
  }
};

function mschapFacts({ opcode, name, error, meaning }: Fields): Partial<EapReport> {
  const who = text(name) === '' ? '' : ` of '${text(name)}'`;
  const reason =
    error === undefined ? '' : ` (E=${number(error)}${meaning === undefined ? '' : `: ${text(meaning)}`})`;
  return {
    step: `${text(opcode)}${who}${reason}`,
    ...(error !== undefined && { error: number(error) }),
    ...(meaning !== undefined && { meaning: text(meaning) }),
  };
}

function tlsFacts({
  start,
  records,
  alert,
  moreFragments,
  messageLength,
  bytes,
}: Fields): Partial<EapReport> {
  const part = messageLength === undefined ? '' : ` of ${number(messageLength)}`;
  const fragment = `${number(bytes)}${part} bytes, ${moreFragments === true ? 'more follow' : 'the rest'}`;
  const words = recordWords(records);
  const step =
    start === true
      ? 'start'
      : words !== ''
        ? words
        : number(bytes) === 0
          ? 'acknowledgement'
          : `a fragment (${fragment})`;
  return { step, ...(alert !== undefined && { alert: text(alert) }) };
}

/** `ServerHello (TLS 1.2), Certificate`; what cannot be read by the type of its record. */
function recordWords(records: unknown): string {
  const words = list(records, LIMITS.items).flatMap((value) => {
    const { type, messages, alert, encrypted } = record(value);
    if (alert !== undefined) return [`alert ${text(alert)}`];
    if (messages !== undefined) return list(messages, LIMITS.items).map(text);
    return [encrypted === true ? `encrypted ${text(type)}` : text(type)];
  });
  return [...new Set(words)].join(', ');
}
