import type {
  ProbeAlgorithm,
  ProbeAlgorithmKind,
  ProbeCapabilities,
  ProbeSuite,
} from '../../lib/report/probe-document.js';

export const kindNames: Readonly<Record<ProbeAlgorithmKind, string>> = {
  encr: 'encryption',
  prf: 'pseudorandom function',
  integ: 'integrity',
  ke: 'key exchange',
  addke: 'additional key exchange',
};

export const capabilityNames: Readonly<Record<keyof ProbeCapabilities, string>> = {
  fragmentation: 'fragmentation (RFC 7383)',
  signatureHashes: 'signature hashes (RFC 7427)',
  intermediate: 'IKE_INTERMEDIATE (RFC 9242)',
  ppk: 'post-quantum pre-shared keys (RFC 8784)',
  childless: 'childless IKE SAs (RFC 6023)',
  redirect: 'redirect (RFC 5685)',
  downgradePrevention: 'downgrade prevention (notify 16447)',
  multipleAuth: 'multiple authentication (RFC 4739)',
  natDetection: 'NAT detection',
  multipleKe: 'multiple key exchanges (RFC 9370)',
  certificateRequest: 'names certificate authorities',
  cookies: 'cookies',
};

/** IANA's name without the prefix that says its type, with the key length: `AES_GCM_16-256`. */
export function algorithmText({ name, keyLength }: ProbeAlgorithm): string {
  const short = name.replace(/^(ENCR|AUTH|PRF)_/, '');
  return keyLength === undefined ? short : `${short}-${keyLength}`;
}

/** `AES_GCM_16-256 / HMAC_SHA2_256 / Curve25519`; the PRF keeps its prefix beside an integrity algorithm. */
export function suiteText({ encr, prf, integ, ke, addke = [] }: ProbeSuite): string {
  const prfText = prf.name.startsWith('PRF_') ? prf.name : `PRF ${prf.name}`;
  return [
    algorithmText(encr),
    ...(integ ? [algorithmText(integ)] : []),
    prfText,
    ...[ke, ...addke].map(algorithmText),
  ].join(' / ');
}

/** `a`, `a and b`, `a, b and c`. */
export function listText(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** `1,234 packets`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `9.1 kB`. */
export function bytesText(bytes: number): string {
  if (bytes < 10_000) return countText(bytes, 'byte');
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `vpn.example.com (192.0.2.1)`; an address stands for itself. */
export function targetText({ host, address }: { host: string; address: string | null }): string {
  if (address === null) return host;
  return host === address ? address : `${host} (${address})`;
}
