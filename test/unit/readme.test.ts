import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ExitCode } from '../../src/lib/core/errors.js';
import { keywords } from '../../src/lib/crypto/keywords.js';
import {
  defaultEspProposals,
  defaultIkeProposals,
  formatProposal,
  parseProposals,
} from '../../src/lib/ike/proposals.js';
import { parsePolicy } from '../../src/lib/probe/policies/parse.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** `a{1,2}b` to `a1b`, `a2b`, as a shell does it. */
function expand(word: string): string[] {
  const [, before = '', choices = '', after = ''] = /^(.*?)\{(.*?)\}(.*)$/.exec(word) ?? [];
  if (choices === '') return [word];
  return choices.split(',').flatMap((choice) => expand(`${before}${choice}${after}`));
}

/** Lines of the code block after a heading line. */
function block(heading: string): string[] {
  const [, code = ''] = readme.split(`\n${heading}\n\n\`\`\`text\n`);
  return code.split('\n```')[0]?.split('\n') ?? [];
}

/** Whether some proposal takes it: not every known algorithm is implemented. */
function isUsable(keyword: string): boolean {
  const attempts: [string, 1 | 3][] = [
    [`${keyword}-prfsha256-x25519`, 1],
    [`${keyword}-sha256-x25519`, 1],
    [`aes128-sha256-${keyword}`, 1],
    [`aes128-sha256-x25519-${keyword}`, 1],
    [`aes128-${keyword}-prfsha256-x25519`, 1],
    [`${keyword}-sha256`, 3],
    [`aes128-sha256-${keyword}`, 3],
  ];
  return attempts.some(([text, protocol]) => {
    try {
      parseProposals(text, protocol);
      return true;
    } catch {
      return false;
    }
  });
}

describe('the README', () => {
  it('shows a policy that is one, with every verb', () => {
    const [, code = ''] = readme.split('\n```yaml\n');
    const policy = parsePolicy(code.split('\n```')[0] ?? '', 'README.md');
    const verbs = policy.rules.map(({ demand }) => demand.verb);
    expect(verbs).toEqual(['allow', 'forbid', 'require', 'everySuite', 'minimum']);
    expect(() => parseProposals(policy.proposal ?? '', 1)).not.toThrow();
  });

  it('lists the default proposals', () => {
    expect(block('IKE SA:')).toEqual(defaultIkeProposals.map(({ transforms }) => formatProposal(transforms)));
    expect(block('Child SA (ESP):')).toEqual(
      defaultEspProposals.map(({ transforms }) => formatProposal(transforms)),
    );
  });

  it('lists exactly the keywords that can be used', () => {
    const [, list = ''] = readme.split('as strongSwan writes them:\n\n');
    const words = (list.split('\n\n')[0] ?? '').matchAll(/`([^`]+)`/g);
    const listed = [...words].flatMap(([, word = '']) => expand(word));
    expect(listed.length).toBeGreaterThan(50);
    expect(listed.toSorted()).toEqual(keywords.filter(isUsable).toSorted());
  });

  it('lists the exit codes', () => {
    const listed = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(ExitCode));
  });
});
