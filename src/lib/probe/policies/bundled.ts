import { bsi } from './bsi.js';
import { cnsa2 } from './cnsa2.js';
import { formatHelp } from './format.js';
import { nist80077 } from './nist-800-77.js';
import { parsePolicy } from './parse.js';
import type { Policy } from './policy.js';
import { rfc8247 } from './rfc8247.js';

const texts = { rfc8247, cnsa2, bsi, 'nist-800-77': nist80077 } as const;

export type BundledPolicyName = keyof typeof texts;

/** Policies that come with the package. */
export const bundledPolicyNames = Object.keys(texts) as readonly BundledPolicyName[];

export function isBundledPolicy(name: string): name is BundledPolicyName {
  return Object.hasOwn(texts, name);
}

/** The YAML of a bundled policy with comments that explain it and its format: a start for one's own. */
export function bundledPolicyText(name: BundledPolicyName): string {
  return `${texts[name]}\n${formatHelp}`;
}

export function bundledPolicy(name: BundledPolicyName): Policy {
  return parsePolicy(texts[name], name);
}
