/** Floors of the house, lowest first. A file may import from its own floor's folder and from any floor below. */
const floors = [
  ['^src/lib/core/', '^src/lib/report/'],
  ['^src/lib/crypto/', '^src/lib/psk/'],
  ['^src/lib/ike/(wire/|v1/|[^/]+\\.ts$)'],
  ['^src/lib/ike/session/', '^src/lib/ike/auth/', '^src/lib/net/', '^src/lib/pki/'],
  ['^src/lib/esp/'],
  ['^src/lib/tunnel/', '^src/lib/probe/', '^src/lib/capture/'],
  ['^src/commands/', '^src/cli/'],
];

const upward = floors.slice(0, -1).map((rooms, floor) => ({
  name: `floor-${floor}-imports-nothing-above`,
  severity: 'error',
  from: { path: rooms.join('|') },
  to: {
    path: floors
      .slice(floor + 1)
      .flat()
      .join('|'),
  },
}));

const forbid = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } });

/** Rooms on one floor that may not know each other, and libraries that belong to one room. */
const apart = [
  forbid('wire-knows-no-crypto', '^src/lib/ike/(wire|v1)/', '^src/lib/crypto/'),
  forbid(
    'session-knows-no-io',
    '^src/lib/ike/',
    '^(node:)?(dgram|net|fs|timers|child_process|dns|http|https)(/|$)',
  ),
  forbid('session-knows-no-net-or-pki', '^src/lib/ike/(session|auth)/', '^src/lib/(net|pki)/'),
  forbid('net-knows-no-ike-state', '^src/lib/net/', '^src/lib/ike/(session|auth)/'),
  forbid('pki-knows-no-ike-state-or-sockets', '^src/lib/pki/', '^src/lib/(net|ike/(session|auth))/'),
  forbid('esp-knows-no-ike-state', '^src/lib/esp/', '^src/lib/ike/(session|auth)/'),
  forbid('capture-and-probe-own-no-sockets', '^src/lib/capture/', '^src/lib/net/'),
  forbid('psk-knows-only-core', '^src/lib/psk/', '^src/lib/(crypto|report)/'),
  {
    name: 'only-psk-loads-dictionaries',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/lib/psk/' },
    to: { path: '(^|/)@zxcvbn-ts(/|$)' },
  },
  forbid('commands-know-no-bytes', '^src/commands/', '^src/lib/(crypto|esp|net|ike)/'),
  {
    name: 'only-cli-knows-the-terminal',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/(cli|commands)/' },
    to: { path: '(^|/)(chalk|cli-table3|@inquirer/prompts|@oclif/core)(/|$)' },
  },
  {
    name: 'terminal-libraries-only-in-cli',
    severity: 'error',
    from: { path: '^src/commands/' },
    to: { path: '(^|/)(chalk|cli-table3|@inquirer/prompts)(/|$)' },
  },
];

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...upward,
    ...apart,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    exclude: { path: '^(dist|test)/' },
  },
};
