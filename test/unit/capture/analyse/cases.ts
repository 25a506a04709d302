import { describe, expect, test } from 'vitest';
import type { FindingGroup } from '../../../../src/lib/capture/analyse/findings/group.js';
import type { Talk } from './build.js';

/** Two conversations that differ in what a finding is about. */
export interface Case {
  /** Has the finding. */
  talk: () => Talk;
  frames: number[];
  title: string | RegExp;
  /** Words that the advice must have. */
  advice?: string | RegExp;
  /** The same without the cause: the finding must be gone. */
  without: () => Talk;
}

/** Checks a case for every finding of a group; one that is forgotten fails. */
export function checkGroup(group: FindingGroup, cases: Record<string, Case>): void {
  describe(group.name, () => {
    test('every finding has a case', () => {
      expect(Object.keys(cases).sort()).toEqual(Object.keys(group.kinds).sort());
    });

    for (const [id, { talk, frames, title, advice, without }] of Object.entries(cases)) {
      test(`${id} is found`, () => {
        const finding = talk().only(id);
        expect(finding.severity).toBe(group.kinds[id]?.severity);
        expect(finding.frames).toEqual(frames);
        expect(finding.title).toMatch(title);
        expect(finding.title).toMatch(/^[\p{L}\d].*[.)]$/u);
        expect(finding.advice).toMatch(advice ?? /\S/);
      });

      test(`${id} is not found without its cause`, () => {
        expect(without().ids()).not.toContain(id);
      });
    }
  });
}
