import { printable } from '../../core/printable.js';
import type { TargetFacts } from '../types.js';
import { type Check, finding, pass, skipped } from './check.js';
import { exploitsOf } from './exploited.js';
import { ikev1Suites, knowsNothing, withoutFacts } from './sightings.js';

/** A version that the gateway told, and what it told it with. */
interface Disclosure {
  product: string;
  version: string;
  how: string;
}

const disclosed: Check = {
  id: 'IKE-VID-001',
  topic: 'Disclosure of the version',
  title: 'The version is disclosed',
  severity: 'low',
  references: ['RFC 7296 3.12'],
  examine(facts) {
    if (!hasAnswered(facts)) return withoutFacts(facts, 'whether it sends vendor ids');
    const found = disclosures(facts).filter(({ how }) => how === 'vendor id');
    if (found.length > 0) {
      return finding(found.map(({ product, version }) => `A vendor id says ${product} ${version}.`));
    }
    const count = facts.vendorIds.length;
    return pass(count === 0 ? 'It sent no vendor id.' : `None of its ${count} vendor ids tells a version.`);
  },
  remediation: () => ({
    text: 'A version tells attackers which holes to try. Do not send it where the implementation allows that.',
    strongswan: 'charon {\n  send_vendor_id = no\n}',
  }),
};

const exploited: Check = {
  id: 'IKE-VID-002',
  topic: 'Exploited holes of this version',
  title: 'This version has a hole that is being exploited',
  severity: 'critical',
  references: [
    'https://www.cisa.gov/known-exploited-vulnerabilities-catalog',
    'CVE-2025-9242',
    'CVE-2025-14733',
  ],
  examine(facts) {
    if (!hasAnswered(facts)) return withoutFacts(facts, 'its version');
    const versions = disclosures(facts);
    if (versions.length === 0) return skipped('It does not tell its version.');
    const found = versions.flatMap(({ product, version, how }) =>
      exploitsOf(product, version).map(
        ({ cve, what, fixed }) => `${product} ${version} (${how}) has ${cve}, ${what}; fixed in ${fixed}.`,
      ),
    );
    if (found.length > 0) return finding([...new Set(found)]);
    const names = versions.map(({ product, version }) => `${product} ${version}`).join(', ');
    return pass(`No exploited hole in IKE is known here for ${names}.`);
  },
  remediation: () => ({
    text: 'Update at once, and look for signs that somebody was there before: the hole needs no password.',
  }),
};

/** Vendor ids come with an answer that chooses something, not with a refusal. */
function hasAnswered(facts: TargetFacts): boolean {
  return (facts.ikev2 !== undefined && !knowsNothing(facts.ikev2)) || ikev1Suites(facts).length > 0;
}

/** Text of the gateway is made safe here. */
function disclosures({ vendorIds, fingerprint }: TargetFacts): Disclosure[] {
  const told = vendorIds.flatMap(({ name, version }) =>
    version === undefined
      ? []
      : [{ product: printable(name ?? 'unknown'), version: printable(version), how: 'vendor id' }],
  );
  const guessed =
    fingerprint?.version === undefined
      ? []
      : [
          {
            product: printable(fingerprint.implementation),
            version: printable(fingerprint.version),
            how: `fingerprint, ${Math.round(fingerprint.confidence * 100)} % sure`,
          },
        ];
  return [...told, ...guessed];
}

export const vendorChecks: readonly Check[] = [disclosed, exploited];
