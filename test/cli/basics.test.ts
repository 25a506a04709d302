import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bin, cleanEnvironment, root, run } from './run.js';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

describe('--version', () => {
  it('prints name and version', () => {
    const { stdout, stderr, status } = run(['--version']);
    expect(stdout).toBe(`ipsec-kit/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  /** Modules of dist/ that a command line loads, relative to dist/. */
  function loadedModules(args: string[]): string[] {
    const folder = mkdtempSync(join(tmpdir(), 'ipsec-kit-trace-'));
    const trace = join(folder, 'trace');
    try {
      const hooks = new URL('fixtures/trace-loads.mjs', import.meta.url).href;
      spawnSync(process.execPath, ['--import', hooks, bin, ...args], {
        env: cleanEnvironment({ TRACE_LOADS: trace }),
      });
      const dist = `${new URL('../../dist/', import.meta.url).href}`;
      return readFileSync(trace, 'utf8')
        .split('\n')
        .filter((url) => url.startsWith(dist))
        .map((url) => url.slice(dist.length));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('loads no command and no protocol code', () => {
    expect(loadedModules(['--version']).sort()).toEqual([
      'cli/failure.js',
      'cli/main.js',
      'lib/core/errors.js',
      'lib/core/printable.js',
    ]);
  });

  it('loads no protocol code for help either', () => {
    const modules = ['connect', 'decode'].flatMap((command) => loadedModules([command, '--help']));
    expect(modules).toContain('cli/main.js');
    expect(modules.filter((module) => /^lib\/(crypto|ike|esp|net|tunnel|capture)\//.test(module))).toEqual(
      [],
    );
  });
});

describe('help', () => {
  it('lists the commands', () => {
    const { stdout, status } = run(['--help']);
    expect(status).toBe(0);
    for (const command of ['connect', 'serve', 'demo', 'decode', 'cert', 'psk', 'profile'])
      expect(stdout).toContain(command);
    expect(run([]).stdout).toBe(stdout);
  });

  it.each(['connect', 'serve', 'demo', 'decode'])(
    'explains %s with examples, in both spellings',
    (command) => {
      const { stdout, stderr, status } = run([command, '--help']);
      expect(status).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain('EXAMPLES');
      expect(stdout).toContain(`ipsec-kit ${command}`);
      expect(run(['help', command]).stdout).toBe(stdout);
    },
  );

  const shared =
    '--local-id --remote-id --psk-file --psk-stdin --ike --esp --local-ts --remote-ts --port --nat-port --[no-]encap --mtu --tun-name --keylog --rekey-ike --rekey-child --dpd --duration --format --insecure-permissions --verbose --[no-]color';
  it.each([
    ['connect', `${shared} --dns-mode`],
    ['serve', `${shared} --listen --pool --dns --cookie-threshold`],
    ['demo', '--json --[no-]color'],
    [
      'decode',
      '--interface --follow --port --keys --strict-keys --write-decrypted --format --json --filter --frame --verbose --[no-]color',
    ],
  ])('documents every flag of %s', (command, flags) => {
    const { stdout } = run([command, '--help']);
    for (const flag of flags.split(' ')) {
      expect(stdout).toMatch(new RegExp(`${flag.replace(/[[\]]/g, '\\$&')}[=\\s]+\\S`));
    }
  });
});

describe('usage errors', () => {
  it.each([
    [['connect'], 'gateway'],
    [['connect', 'a', 'b'], 'b'],
    [['connect', 'a', '--nonsense'], '--nonsense'],
    [['connect', 'a', '--format', 'xml'], '--format'],
    [['connect', 'a', '--port', 'x'], '--port'],
    [['connect', 'a', '--port', '70000'], '--port'],
    [['connect', 'a', '--mtu', '5'], '--mtu'],
    [['connect', '192.0.2.1', '--rekey-ike', 'soon'], '--rekey-ike'],
    [['connect', '192.0.2.1', '--duration', '25d'], '--duration'],
    [['connect', '192.0.2.1', '--tun-name', 'a/b'], 'a/b'],
    [['connect', 'a', '--dns-mode', 'magic'], '--dns-mode'],
    [['serve', '--cookie-threshold', '-1'], '--cookie-threshold'],
    [['demo', 'x'], 'x'],
    [['decode'], 'capture'],
    [['decode', 'a', '--interface', 'lo'], 'one capture'],
    [['decode', '--interface', 'lo', '--follow'], '--follow'],
    [['decode', 'a', '--frame', '0'], '--frame'],
    [['decode', 'a', '--port', '0'], '--port'],
    [['decode', 'a', '--format', 'xml'], '--format'],
    [['decode', 'a', '--filter', 'colour=red'], 'colour=red'],
    [['decode', 'a', '--filter', 'spi=none'], 'none'],
    [['decode', 'a', '--filter', 'address=ten'], 'ten'],
    [['decode', 'absent.pcap'], 'absent.pcap'],
    [['decode', 'absent.pcap', '--keys', 'absent.keys'], 'absent.keys'],
    [['absent'], 'absent'],
  ])('%j ends with 2 and one sentence that names %s', (args, named) => {
    const { stdout, stderr, status } = run(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    const [sentence = '', hint = '', ...rest] = stderr.split('\n');
    expect(sentence).toMatch(/^error: .+ \(E_[A-Z_]+\)$/);
    expect(sentence).toContain(named);
    expect(hint).toMatch(/^(hint: .+)?$/);
    expect(rest.join('')).toBe('');
  });

  it.each([[['--psk-stdin']], [['--psk-stdin', '--format', 'ndjson']]])(
    'names the bad word of a proposal, a selector, an identity (%j)',
    (extra) => {
      for (const [flag, value, word] of [
        ['--ike', 'aes256gcm17-prfsha256-x25519', 'aes256gcm17'],
        ['--esp', 'aes256-sha257', 'sha257'],
        ['--remote-ts', '10.0.0.0/33', '10.0.0.0/33'],
        ['--local-ts', 'ten', 'ten'],
      ] as const) {
        const { stderr, status } = run(['connect', '127.0.0.1', flag, value, ...extra], { input: 'key' });
        expect(stderr).toContain(word);
        expect(status).toBe(2);
      }
    },
  );
});

describe('the manual pages', () => {
  it('are up to date', () => {
    const script = join(root, 'scripts', 'man.mjs');
    const { stderr, status } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('name every exit code', async () => {
    const { ExitCode } = await import('../../src/lib/core/errors.js');
    for (const page of ['ipsec-kit', 'ipsec-kit-connect', 'ipsec-kit-serve', 'ipsec-kit-demo']) {
      const text = readFileSync(join(root, 'man', `${page}.1`), 'utf8');
      for (const code of Object.values(ExitCode)) expect(text).toContain(`.TP\n.B ${code}\n`);
    }
  });
});
