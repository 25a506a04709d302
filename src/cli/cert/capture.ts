import { CaptureDecoder, useFastCiphers } from '../../lib/capture/decode.js';
import { loadKeys } from '../../lib/capture/keys/load.js';
import { KeyRing } from '../../lib/capture/keys/ring.js';
import { readBatches } from '../../lib/capture/read/capture.js';
import { openInput } from '../../lib/capture/read/input.js';
import type { DecodedPacket, Unit } from '../../lib/capture/types.js';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { type Certificate, parseCertificate } from '../../lib/pki/certificate.js';

/** First bytes of pcap in both byte orders and resolutions, of pcapng and of gzip. */
const MAGIC = /^(a1b2c3d4|d4c3b2a1|a1b23c4d|4d3cb2a1|0a0d0d0a|1f8b)/;
/** A certificate payload's header: generic header and encoding (RFC 7296 3.6). */
const HEADER = 5;

/** Whether a file's first bytes are those of a capture. */
export function isCapture(bytes: Uint8Array): boolean {
  return MAGIC.test(Buffer.from(bytes.subarray(0, 4)).toString('hex'));
}

/** The certificates that the peers of a capture sent, each once, in their order. */
export async function certificatesOfCapture(
  path: string,
  keyFiles: readonly string[],
): Promise<Certificate[]> {
  if (keyFiles.length > 0) await useFastCiphers();
  const { keys, problems } =
    keyFiles.length === 0 ? { keys: [], problems: [] } : await loadKeys([...keyFiles]);
  for (const { file, line, message } of problems) {
    process.stderr.write(`warning: ${printable(`${file}:${line}: ${message}`)}\n`);
  }
  const decoder = new CaptureDecoder({ keys: new KeyRing(keys), analyse: false, summaries: false });
  const found = new Map<string, Certificate>();
  let closed = 0;
  const take = (packet: DecodedPacket, unit: Unit): void => {
    if (packet.protocol === 'IKEv2' && packet.ike?.exchange === 'IKE_AUTH' && !packet.decrypted) closed += 1;
    for (const der of certificatePayloads(packet, unit)) {
      const certificate = readable(der);
      if (certificate !== undefined) found.set(Buffer.from(der).toString('base64'), certificate);
    }
  };
  const { signal } = new AbortController();
  for await (const frames of readBatches(openInput(path, { signal }), decoder.onNote))
    decoder.decode(frames, take);
  decoder.finish();
  if (found.size > 0) return [...found.values()];
  throw new KitError(
    'usage',
    'E_NO_CERTIFICATE',
    closed > 0
      ? `${printable(path)} shows no certificate: they are encrypted, and no key given opens them.`
      : `${printable(path)} holds no certificate.`,
    closed > 0
      ? { hint: 'Give the keys of the session with --keys, such as the folder that --keylog wrote.' }
      : {},
  );
}

function certificatePayloads({ ike }: DecodedPacket, unit: Unit): Uint8Array[] {
  return (ike?.payloads ?? [])
    .filter(({ type }) => type === 'CERT')
    .flatMap(({ offset, length, inside }) => {
      const bytes = inside ? ike?.inner : unit.data;
      return bytes === undefined ? [] : [Uint8Array.from(bytes.subarray(offset + HEADER, offset + length))];
    });
}

function readable(der: Uint8Array): Certificate | undefined {
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}
