import { describe, expect, it } from 'vitest';
import { resolveTarget } from '../../../../src/cli/probe/resolve.js';
import { MAX_TARGETS, parseTargets, targetLines } from '../../../../src/cli/probe/targets.js';
import { KitError } from '../../../../src/lib/core/errors.js';

const hosts = (...words: string[]): string[] => parseTargets(words).map(({ host }) => host);

describe('targets', () => {
  it.each<[string[], string[]]>([
    [['VPN.Example.com.'], ['vpn.example.com']],
    [
      ['localhost', 'a_b.example', 'x--y.test', 'bücher.example'],
      ['localhost', 'a_b.example', 'x--y.test', 'bücher.example'],
    ],
    [['192.0.2.1'], ['192.0.2.1']],
    [['2001:DB8:0::1'], ['2001:db8::1']],
    [
      ['[fd66:0::2]', 'fe80:0::1%eth0', '[fe80::1%eth0]'],
      ['fd66::2', 'fe80::1%eth0'],
    ],
    [['192.0.2.1/32'], ['192.0.2.1']],
    [['192.0.2.0/30'], ['192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.3']],
    // Host bits do not count.
    [['192.0.2.3/31'], ['192.0.2.2', '192.0.2.3']],
    [['2001:db8::fffe/127'], ['2001:db8::fffe', '2001:db8::ffff']],
    [['255.255.255.254/31'], ['255.255.255.254', '255.255.255.255']],
    // Each once, whatever it is called.
    [
      ['b', '192.0.2.1', 'B.', '192.0.2.0/31', '2001:db8::1', '2001:db8:0:0::1'],
      ['b', '192.0.2.1', '192.0.2.0', '2001:db8::1'],
    ],
    [[], []],
  ])('%j', (words, expected) => expect(hosts(...words)).toEqual(expected));

  it('tells addresses from names', () => {
    expect(parseTargets(['192.0.2.1', 'a'])).toEqual([
      { host: '192.0.2.1', isAddress: true },
      { host: 'a', isAddress: false },
    ]);
  });

  it.each([
    ['10.0.0.0/8', 'E_TARGETS', '16777216 addresses'],
    ['2001:db8::/64', 'E_TARGETS', 'a /112'],
    ['10.0.0.0/33', 'E_TARGET', '10.0.0.0/33'],
    ['host/24', 'E_TARGET', 'host/24'],
    ['10.0.0.0/', 'E_TARGET', 'address range'],
    ['vpn.example.com:500', 'E_TARGET', '--port'],
    ['192.0.2.1:500', 'E_TARGET', '--port'],
    ['[2001:db8::1]:500', 'E_TARGET', '--port'],
    ['192.0.2', 'E_TARGET', '192.0.2'],
    ['192.0.2.256', 'E_TARGET', 'neither'],
    ['fe80::1%a b', 'E_TARGET', 'neither'],
    ['[192.0.2.1]', 'E_TARGET', '--port'],
    ['-x', 'E_TARGET', '-x'],
    ['a..b', 'E_TARGET', 'neither'],
    ['a b', 'E_TARGET', 'neither'],
    ['', 'E_TARGET', 'neither'],
    [`${'a'.repeat(64)}.test`, 'E_TARGET', 'neither'],
    ['evil\u001b[2J', 'E_TARGET', '\\x1b'],
  ])('%j is refused with %s and a sentence that has %j', (word, code, said) => {
    const refuse = (): unknown => parseTargets([word]);
    expect(refuse).toThrow(KitError);
    expect(refuse).toThrow(
      expect.objectContaining({ code, kind: 'usage', message: expect.stringContaining(said) }),
    );
  });

  it('are bounded in all, and a whole /16 is not too many', () => {
    expect(hosts('10.1.0.0/16')).toHaveLength(MAX_TARGETS);
    expect(hosts('10.1.0.0/16', '10.1.2.3')).toHaveLength(MAX_TARGETS);
    expect(() => parseTargets(['10.1.0.0/16', 'one.more'])).toThrow(
      expect.objectContaining({ code: 'E_TARGETS' }),
    );
  });

  it('are bounded in what they name twice, too', () => {
    expect(hosts(...Array.from({ length: 400 }, () => '10.1.0.0/16'))).toHaveLength(MAX_TARGETS);
    const overlapping = Array.from({ length: 400 }, (_, at) => `10.1.0.${at % 256}/${at < 256 ? 16 : 17}`);
    expect(() => parseTargets(overlapping)).toThrow(
      expect.objectContaining({ code: 'E_TARGETS', message: expect.stringContaining('twice') }),
    );
  });

  it('stand in files one a line, with comments', () => {
    const text =
      '\uFEFFa\r\n\n  # a comment\n b.example  # the second\n10.0.0.0/31#not a comment, and no target\n';
    expect(targetLines(text)).toEqual(['a', 'b.example', '10.0.0.0/31#not a comment, and no target']);
  });
});

describe('names', () => {
  const both = async () => [
    { address: '2001:DB8::1', family: 6 },
    { address: '192.0.2.1', family: 4 },
    { address: '192.0.2.2', family: 4 },
  ];
  const name = { host: 'a', isAddress: false };

  it('stand for one address of each IP version', async () => {
    expect(await resolveTarget(name, undefined, both)).toEqual([
      { host: 'a', address: '192.0.2.1' },
      { host: 'a', address: '2001:db8::1' },
    ]);
    expect(await resolveTarget(name, 6, both)).toEqual([{ host: 'a', address: '2001:db8::1' }]);
  });

  it('that lead nowhere stay targets, with the reason', async () => {
    const failing = (code: string) => async () => {
      throw Object.assign(new Error('lookup'), { code });
    };
    const problem = async (resolver: () => Promise<never>) =>
      (await resolveTarget(name, undefined, resolver))[0];
    expect(await problem(failing('ENOTFOUND'))).toEqual({
      host: 'a',
      address: undefined,
      problem: 'there is no such name',
    });
    expect((await problem(failing('EAI_AGAIN')))?.problem).toContain('EAI_AGAIN');
    expect(await resolveTarget(name, 6, async () => [{ address: '192.0.2.1', family: 4 }])).toEqual([
      { host: 'a', address: undefined, problem: 'the name has no IPv6 address' },
    ]);
  });

  it('are not looked up when they are addresses', async () => {
    const never = async () => {
      throw new Error('looked up');
    };
    expect(await resolveTarget({ host: '192.0.2.1', isAddress: true }, 6, never)).toEqual([
      { host: '192.0.2.1', address: '192.0.2.1' },
    ]);
  });
});
