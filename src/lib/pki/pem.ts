import { malformed } from './asn1.js';

/** One block of a PEM file (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `ENCRYPTED PRIVATE KEY` … */
  label: string;
  /** The whole block, both lines around it included. */
  text: string;
  /** What is between the lines; headers of old key files (RFC 1421) included. */
  body: string;
}

const BEGIN = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
const MAX_BLOCKS = 1000;

/** Whether a file is PEM rather than DER. */
export function isPem(text: string): boolean {
  return text.includes('-----BEGIN ');
}

/** The blocks of a PEM file in their order; whatever stands between them does not matter. @throws KitError `E_CERT_FORMAT` */
export function pemBlocks(text: string): PemBlock[] {
  const what = 'The PEM file';
  const blocks: PemBlock[] = [];
  BEGIN.lastIndex = 0;
  for (let match = BEGIN.exec(text); match !== null; match = BEGIN.exec(text)) {
    const label = match[1] ?? '';
    const line = `-----END ${label}-----`;
    const end = text.indexOf(line, BEGIN.lastIndex);
    if (end < 0 || blocks.length === MAX_BLOCKS) throw malformed(what);
    blocks.push({
      label,
      text: text.slice(match.index, end + line.length),
      body: text.slice(BEGIN.lastIndex, end),
    });
    BEGIN.lastIndex = end + line.length;
  }
  if (blocks.length === 0) throw malformed(what);
  return blocks;
}

/** One PEM block. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
