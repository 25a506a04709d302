import { describe, expect, it } from 'vitest';
import { missingRight } from '../../../src/lib/net/capabilities.js';

const status = (sets: Record<string, string>) =>
  ['Name:\tnode', ...Object.entries(sets).map(([name, mask]) => `${name}:\t${mask}`), 'NoNewPrivs:\t0'].join(
    '\n',
  );
const none = '0000000000000000';
const netAdmin = '0000000000001000';
const all = '000001ffffffffff';

describe('missingRight', () => {
  it.each([
    { whose: 'root', uid: 0, CapEff: all, CapAmb: none },
    { whose: 'a user with an ambient capability', uid: 1000, CapEff: netAdmin, CapAmb: netAdmin },
  ])('is none of $whose', ({ uid, ...sets }) => {
    expect(missingRight(status(sets), uid)).toBeUndefined();
  });

  it.each([
    { whose: 'a user', uid: 1000, CapEff: none, CapAmb: none },
    { whose: 'a user with others', uid: 1000, CapEff: '000001ffffffefff', CapAmb: none },
    { whose: 'root in a container', uid: 0, CapEff: '00000000a80425fb', CapAmb: none },
  ])('is CAP_NET_ADMIN of $whose', ({ uid, ...sets }) => {
    const hint = expect.stringMatching(/CAP_NET_ADMIN.*CAP_NET_BIND_SERVICE.*CAP_NET_RAW/);
    expect(missingRight(status(sets), uid)).toMatchObject({ code: 'E_PRIVILEGE', hint });
  });

  it('is an ambient one where a file of the command has it, because `ip` would not', () => {
    expect(missingRight(status({ CapEff: netAdmin, CapAmb: none }), 1000)).toMatchObject({
      code: 'E_PRIVILEGE',
      message: expect.stringContaining('`ip`'),
      hint: expect.stringContaining('ambient'),
    });
  });

  it('remains to be seen where the system tells nothing', () => {
    expect(missingRight(status({}), 1000)).toBeUndefined();
  });
});
