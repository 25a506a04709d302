import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanEnvironment, root } from './run.js';

const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  scripts: Record<string, string>;
};
const benches = Object.keys(scripts).filter((name) => /^bench\b/.test(name));

/** Runs a bench without the build that comes before it. */
function bench(name: string, ...flags: string[]) {
  const words = scripts[name]!.split('&& node ')[1]!.split(' ');
  const options = { cwd: root, encoding: 'utf8', env: cleanEnvironment(), timeout: 50_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...words, ...flags], options);
  return { status, stdout, stderr };
}

describe.each(benches)('%s', (name) => {
  test('--help tells what it does and how it is called', () => {
    const { status, stdout, stderr } = bench(name, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`\n\nnpm run ${name} -- [flags]\n\n`);
    expect(stdout).toMatch(/^ {2}--help +show this$/m);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  test('a flag that it has not is told in a line', () => {
    expect(bench(name, '--nonsense')).toEqual({
      status: 2,
      stdout: '',
      stderr: "Unknown option '--nonsense'; --help tells what there is\n",
    });
  });
});

test('numbers of a bench are checked, and what stands for its own runs is not told', () => {
  const wrong = '--together has to be a whole number of at least 1\n';
  for (const value of ['0', '1.5', 'many', '']) {
    expect(bench('bench:handshake', `--together=${value}`)).toEqual({ status: 2, stdout: '', stderr: wrong });
  }
  const { stdout } = bench('bench:handshake', '--help');
  expect(stdout).toMatch(/^ {2}--together N +.* \(8\)$/m);
  expect(stdout).not.toContain('--inside');
});
