import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The layer check must bite: with an unsuitable compiler it reads nothing and passes. So it runs on a copy of the tree
 * in which each kind of forbidden import is planted once.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Result {
  modules: string[];
  violations: { rule: string; from: string; to: string }[];
}

function cruise(folder: string): Result {
  const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  expect(stderr).toBe('');
  const { modules, summary } = JSON.parse(stdout);
  return {
    modules: modules.map((module: { source: string }) => module.source),
    violations: summary.violations.map((violation: { rule: { name: string }; from: string; to: string }) => ({
      rule: violation.rule.name,
      from: violation.from,
      to: violation.to,
    })),
  };
}

/** File, its forbidden import, and the rule that must say so. */
const planted = [
  [
    'src/lib/core/planted.ts',
    "import type { IkeSuite } from '../ike/suite.js';",
    'floor-0-imports-nothing-above',
  ],
  [
    'src/lib/crypto/planted.ts',
    "import type { EspSaParameters } from '../esp/sa.js';",
    'floor-1-imports-nothing-above',
  ],
  [
    'src/lib/ike/planted.ts',
    "import type { SessionPolicy } from './session/types.js';",
    'floor-2-imports-nothing-above',
  ],
  [
    'src/lib/net/planted.ts',
    "import type { Plane } from '../esp/plane/plane.js';",
    'floor-3-imports-nothing-above',
  ],
  [
    'src/lib/esp/planted.ts',
    "import type { TunnelEvent } from '../tunnel/types.js';",
    'floor-4-imports-nothing-above',
  ],
  [
    'src/lib/tunnel/planted.ts',
    "import { parseDuration } from '../../cli/duration.js';",
    'floor-5-imports-nothing-above',
  ],
  [
    'src/lib/ike/wire/planted.ts',
    "import type { EncrTransform } from '../../crypto/transform.js';",
    'wire-knows-no-crypto',
  ],
  ['src/lib/ike/session/planted.ts', "import { createSocket } from 'node:dgram';", 'session-knows-no-io'],
  [
    'src/commands/planted.ts',
    "import type { IkeSuite } from '../lib/ike/suite.js';",
    'commands-know-no-bytes',
  ],
  ['src/lib/tunnel/planted-chalk.ts', "import { Chalk } from 'chalk';", 'only-cli-knows-the-terminal'],
  ['src/commands/planted-chalk.ts', "import { Chalk } from 'chalk';", 'terminal-libraries-only-in-cli'],
  ['src/lib/core/circle.ts', "import './circle-back.js';", 'no-circles'],
] as const;

describe('the layer check', () => {
  let copy: string;
  let result: Result;

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'ipsec-kit-layers-'));
    cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
    for (const file of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) {
      cpSync(join(root, file), join(copy, file));
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir');
    for (const [file, code] of planted) writeFileSync(join(copy, file), `${code}\n`);
    writeFileSync(join(copy, 'src/lib/core/circle-back.ts'), "import './circle.js';\n");
    result = cruise(copy);
  });

  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });

  it.each(planted)('reports %s', (file, _code, rule) => {
    // A circle is reported once, at whichever of its files comes first.
    const about = result.violations.filter(({ from, to }) => from === file || to === file);
    expect(about.map((violation) => violation.rule)).toContain(rule);
  });

  it('finds the tree itself clean, and reads all of it', () => {
    const { modules, violations } = cruise(root);
    expect(violations).toEqual([]);
    const rooms = new Set(
      modules.filter((module) => module.startsWith('src/')).map((module) => dirname(module)),
    );
    expect(modules.filter((module) => module.startsWith('src/')).length).toBeGreaterThan(100);
    expect([...rooms]).toEqual(
      expect.arrayContaining([
        'src/lib/core',
        'src/lib/ike/session',
        'src/lib/tunnel',
        'src/cli',
        'src/commands',
      ]),
    );
  });
});
