import { type Certificate, certificateName, isSignedBy, nameText } from './certificate.js';
import type { Crl } from './crl.js';
import type { GeneralName } from './general-name.js';
import { formatGeneralName } from './general-name.js';
import { matchName } from './identity.js';
import { describeKey, keyWeakness } from './keys.js';
import { forbiddenName } from './name-constraints.js';
import { sameName } from './names.js';
import type { OcspResponse } from './ocsp.js';
import { dateText, type Problem, problem } from './problem.js';
import { revocationProblems } from './revocation.js';
import { isWeakSignature } from './signatures.js';
import { keyUsageProblems, type Purpose, usageProblems } from './usage.js';

export interface ChainOptions {
  /** CAs that are trusted. */
  anchors: readonly Certificate[];
  /** CAs that may stand between; not trusted by themselves. */
  intermediates?: readonly Certificate[] | undefined;
  crls?: readonly Crl[] | undefined;
  ocspResponses?: readonly OcspResponse[] | undefined;
  /**
   * `hard`: every certificate needs a revocation list that is not outdated or an OCSP response; `soft`: what is known
   * counts.
   */
  crlPolicy?: 'soft' | 'hard' | undefined;
  /** Milliseconds since the epoch. */
  now: number;
  /** Difference between clocks that is forgiven, milliseconds. */
  skewMs?: number | undefined;
  purpose?: Purpose | undefined;
  /** What the certificate has to cover. */
  name?: GeneralName | undefined;
  /** Look no further at a chain that is not trusted: strangers can make it cost a lot, and nobody needs to know. */
  brief?: boolean | undefined;
}

export interface ChainResult {
  /** From the certificate to the anchor; as far as it could be followed. */
  chain: Certificate[];
  trusted: boolean;
  /** Empty when the certificate may be relied upon. */
  problems: Problem[];
}

/** Longest chain, and how many signatures are tried for it: names can be made to fit each other endlessly. */
const MAX_CHAIN = 8;
const MAX_TRIES = 64;

/**
 * Finds a way from a certificate to a trusted CA and checks it (RFC 5280 6.1, RFC 4945 for the end). Of several ways
 * the one with the fewest problems counts.
 */
export function validateChain(target: Certificate, options: ChainOptions): ChainResult {
  const search = new Search(options);
  search.follow([target]);
  const results = search.found.map((chain) => ({ chain, problems: pathProblems(chain, options) }));
  results.sort((a, b) => a.problems.length - b.problems.length);
  const [best] = results;
  const own = endProblems(target, options);
  if (best !== undefined) return { chain: best.chain, trusted: true, problems: [...best.problems, ...own] };
  const chain = search.longest;
  const more = options.brief ? [] : [...pathProblems(chain, options), ...own];
  return { chain, trusted: false, problems: [untrusted(chain, options), ...more] };
}

class Search {
  readonly found: Certificate[][] = [];
  longest: Certificate[] = [];
  #tries = 0;

  constructor(readonly options: ChainOptions) {}

  follow(chain: Certificate[]): void {
    if (chain.length > this.longest.length) this.longest = chain;
    const last = chain.at(-1)!;
    if (this.options.anchors.some((anchor) => same(anchor, last))) {
      this.found.push(chain);
      return;
    }
    if (chain.length >= MAX_CHAIN) return;
    for (const issuer of [...this.options.anchors, ...(this.options.intermediates ?? [])]) {
      if (chain.some((link) => same(link, issuer)) || !sameName(issuer.subject, last.issuer)) continue;
      this.#tries += 1;
      if (this.#tries > MAX_TRIES) return;
      if (isSignedBy(last, issuer)) this.follow([...chain, issuer]);
    }
  }
}

function same(a: Certificate, b: Certificate): boolean {
  return Buffer.from(a.der).equals(b.der);
}

function untrusted(chain: readonly Certificate[], { anchors, intermediates = [] }: ChainOptions): Problem {
  const last = chain.at(-1)!;
  const issuer = nameText(last.issuer);
  const named = [...anchors, ...intermediates].filter(
    (candidate) => sameName(candidate.subject, last.issuer) && !same(candidate, last),
  );
  if (named.length > 0) {
    return problem(
      'E_CERT_SIGNATURE',
      `The signature of ${certificateName(last)} does not verify with the key of the CA "${issuer}".`,
      'There may be a newer CA of the same name: use the one that issued the certificate. Or the certificate was changed.',
    );
  }
  if (sameName(last.subject, last.issuer)) {
    return problem(
      'E_CERT_UNTRUSTED',
      `${certificateName(last)} is signed by itself and is not among the trusted CAs.`,
      'Name the CA that issued it with --ca.',
    );
  }
  return problem(
    'E_CERT_UNTRUSTED',
    `${certificateName(last)} was issued by "${issuer}", which is not among the trusted CAs (${listed(anchors)}).`,
    'Name that CA with --ca, or put the certificates between into the same file.',
  );
}

function listed(anchors: readonly Certificate[]): string {
  const more = anchors.length > 6 ? ` and ${anchors.length - 6} more` : '';
  return anchors.length === 0 ? 'there are none' : anchors.slice(0, 6).map(certificateName).join('; ') + more;
}

/** What is wrong along a chain, the end first. */
function pathProblems(chain: readonly Certificate[], options: ChainOptions): Problem[] {
  return chain.flatMap((certificate, at) => [
    ...validityProblems(certificate, options),
    ...strengthProblems(certificate, sameName(certificate.subject, certificate.issuer)),
    ...criticalProblems(certificate),
    ...(at === 0 ? [] : issuerProblems(certificate, chain.slice(0, at), options)),
    ...revocationProblems(certificate, chain[at + 1], options),
  ]);
}

function validityProblems(certificate: Certificate, { now, skewMs = 0 }: ChainOptions): Problem[] {
  const { notBefore, notAfter } = certificate;
  if (now > notAfter.getTime() + skewMs) {
    return [
      problem(
        'E_CERT_EXPIRED',
        `${certificateName(certificate)} expired on ${dateText(notAfter)}.`,
        'Issue a new one.',
      ),
    ];
  }
  if (now < notBefore.getTime() - skewMs) {
    return [
      problem(
        'E_CERT_NOT_YET_VALID',
        `${certificateName(certificate)} is valid from ${dateText(notBefore)} on, not yet.`,
        'Check the clocks of this host and of the CA.',
      ),
    ];
  }
  return [];
}

/** @param selfSigned nobody relies on the signature that a CA puts under itself */
function strengthProblems(certificate: Certificate, selfSigned: boolean): Problem[] {
  const { publicKey, signatureAlgorithm } = certificate;
  const name = certificateName(certificate);
  const weakness = publicKey && keyWeakness(describeKey(publicKey));
  return [
    ...(publicKey === undefined
      ? [problem('E_CERT_KEY_KIND', `The key of ${name} is of a kind that is not understood here.`)]
      : []),
    ...(weakness === undefined
      ? []
      : [problem('E_CERT_WEAK_KEY', `The key of ${name} is weak: ${weakness}.`, 'Make a new key.')]),
    ...(isWeakSignature(signatureAlgorithm) && !selfSigned
      ? [
          problem(
            'E_CERT_WEAK_SIGNATURE',
            `${name} is signed with ${signatureAlgorithm.name}, whose hash is broken.`,
            'Issue it again with a CA that signs with SHA-256 or better.',
          ),
        ]
      : []),
  ];
}

function criticalProblems(certificate: Certificate): Problem[] {
  const { unknownCritical } = certificate;
  if (unknownCritical.length === 0) return [];
  return [
    problem(
      'E_CERT_CRITICAL_EXTENSION',
      `${certificateName(certificate)} has critical extensions that are not understood here: ${unknownCritical.join(', ')}.`,
    ),
  ];
}

/** @param below the certificates under this CA, the end first */
function issuerProblems(
  ca: Certificate,
  below: readonly Certificate[],
  { purpose = 'any' }: ChainOptions,
): Problem[] {
  const name = certificateName(ca);
  const problems: Problem[] = [];
  // Version 1 certificates know no extensions; such old roots are nobody's CA any more.
  if (!ca.ca)
    problems.push(problem('E_CERT_NOT_CA', `${name} is not a CA, and yet it issued a certificate.`));
  if (ca.keyUsage !== undefined && !ca.keyUsage.has('keyCertSign')) {
    problems.push(problem('E_CERT_NOT_CA', `The key of ${name} may not sign certificates (key usage).`));
  }
  // RFC 5280 4.2.1.9: CAs that were issued by themselves do not count.
  const between = below.slice(1).filter((each) => !sameName(each.subject, each.issuer)).length;
  if (ca.pathLength !== undefined && between > ca.pathLength) {
    problems.push(
      problem(
        'E_CERT_PATH_LENGTH',
        `${name} allows ${ca.pathLength} CAs below it, and there are ${between}.`,
      ),
    );
  }
  for (const certificate of below) {
    const forbidden = ca.nameConstraints && forbiddenName(certificate, ca.nameConstraints);
    if (forbidden !== undefined) {
      problems.push(
        problem(
          'E_CERT_NAME_CONSTRAINT',
          `${name} may not issue ${certificateName(certificate)}: ${forbidden}.`,
        ),
      );
    }
  }
  // Extended key usages of a CA restrict what is below, as everybody but RFC 5280 has it.
  return [...problems, ...usageProblems(ca, purpose)];
}

/** What is asked of the end of a chain only. */
function endProblems(target: Certificate, { purpose = 'any', name }: ChainOptions): Problem[] {
  const match = name && matchName(target, name);
  return [
    ...(target.ca ? [] : keyUsageProblems(target)),
    ...usageProblems(target, purpose),
    ...(name === undefined || match?.matches !== false
      ? []
      : [
          problem(
            'E_CERT_NAME',
            `${certificateName(target)} does not cover ${formatGeneralName(name)}: ${match.explanation}.`,
            'Issue it again with that name (--san), or dial and expect a name that it covers.',
          ),
        ]),
  ];
}
