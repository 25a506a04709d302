import { Secret } from '../../core/secret.js';
import { encrTransform } from '../../crypto/registry.js';
import { checkEncrKey, checkIntegKey, encrIdsOf, integOf, NO_INTEG } from './algorithm-names.js';
import { addressMatch, secretField, spiField } from './fields.js';
import { type IntegSpec, type KeyEntry, KeyLineError, type KeySource } from './types.js';

const HEAD = /^src (\S+) dst (\S+)/;
const SPI = /\bproto (\S+) spi (0x[0-9a-f]+)/;
/** IPComp and Mobile IPv6, whose states have no keys. */
const KEYLESS: ReadonlySet<string> = new Set(['comp', 'route2', 'hao']);
/** Algorithm, key, with -s the bits of the key in brackets, and the bits of the ICV. */
const ALGORITHM =
  /^(auth-trunc|auth|enc|aead) (\S+)(?: (0x[0-9a-f]*|<<\S+ \S+>>))?(?: \(\d+ bits\))?(?: (\d+))?/;

/** Whether a line begins an SA in the output of `ip xfrm state`. */
export function isXfrmHead(line: string): boolean {
  return HEAD.test(line);
}

/** Whether a line may belong to the SA begun above it. */
export function isXfrmDetail(line: string): boolean {
  return /^\s+\S/.test(line);
}

/**
 * The keys of one SA of `ip xfrm state`, given its lines. SAs that are not ESP or AH have none.
 * @throws KeyLineError
 */
export function xfrmState(lines: readonly string[], source: KeySource): KeyEntry[] {
  const [, src = '', dst = ''] = HEAD.exec(lines[0] ?? '') ?? [];
  const details = lines.slice(1).map((line) => line.trim().replace(/\s+/g, ' '));
  const [, protocol, spiText = ''] = SPI.exec(details.find((line) => SPI.test(line)) ?? '') ?? [];
  if (protocol === undefined) throw new KeyLineError('an SA without protocol and SPI');
  if (KEYLESS.has(protocol)) return [];
  if (protocol !== 'esp' && protocol !== 'ah') throw new KeyLineError('an SA of an unknown protocol');

  const algorithms = details.map((line) => ALGORITHM.exec(line)).filter((found) => found !== null);
  if (algorithms.some(([, , , key]) => key?.startsWith('<<'))) {
    throw new KeyLineError('the keys are hidden: run "ip xfrm state" as root and without "nokeys"');
  }
  const find = (...kinds: string[]) => algorithms.find(([, kind = '']) => kinds.includes(kind));
  const auth = find('auth-trunc') ?? find('auth');
  const match = {
    source,
    spi: spiField(spiText, 'the SPI'),
    src: addressMatch(src, 'the source'),
    dst: addressMatch(dst, 'the destination'),
    ...sequence(details),
  };
  const integ = auth ? integOfAuth(auth) : NO_INTEG;
  const integKey = secretField(auth?.[3] ?? '', 'the integrity key');
  checkIntegKey(integ, integKey.length);
  if (protocol === 'ah') return [{ kind: 'ah', ...match, integ, integKey }];
  return espKeys(match, find('aead'), find('enc'), integ, integKey);
}

function integOfAuth([, kind, name = '', , icvBits]: RegExpExecArray): IntegSpec {
  if (icvBits !== undefined) return integOf(name, Number(icvBits));
  // Without a length the kernel cuts HMAC-SHA-256 to 96 bits, as a draft before RFC 4868 had it.
  return integOf(name, kind === 'auth' && name === 'hmac(sha256)' ? 96 : undefined);
}

function espKeys(
  match: Pick<KeyEntry & { kind: 'esp' }, 'source' | 'spi' | 'src' | 'dst'>,
  aead: RegExpExecArray | undefined,
  enc: RegExpExecArray | undefined,
  integ: IntegSpec,
  integKey: Secret,
): KeyEntry[] {
  const found = aead ?? enc;
  if (!found) throw new KeyLineError('an SA without encryption algorithm');
  const [, , name = '', keyText = '', icvBits] = found;
  const encrKey = secretField(keyText, 'the encryption key');
  return encrIdsOf(name, aead && icvBits !== undefined ? Number(icvBits) : undefined).map((encr) => {
    checkEncrKey(encr, encrKey.length);
    const own = encrTransform(encr)?.kind === 'aead' || aead !== undefined;
    return {
      kind: 'esp',
      ...match,
      encr,
      encrKey,
      integ: own ? NO_INTEG : integ,
      integKey: own ? new Secret(new Uint8Array(0)) : integKey,
    };
  });
}

/** Flag `esn`, and how far the counters got: the high word in one of the two directions. */
function sequence(details: readonly string[]): { esn: boolean; seqHigh?: number } {
  const esn = details.some((line) => /\bflag\b.*\besn\b/.test(line));
  if (!esn) return { esn };
  const words = details.flatMap((line) => [...line.matchAll(/\bo?seq-hi 0x([0-9a-f]{1,8})\b/g)]);
  if (words.length === 0) return { esn };
  return { esn, seqHigh: Math.max(...words.map(([, word = '0']) => Number.parseInt(word, 16))) };
}
