import { defineConfig } from 'vitest/config';

/**
 * `local` runs for every user without privileges; `interop` needs root, namespaces and real peers and runs one file
 * at a time, because the files share the machine's namespaces; `interop-simple` runs those of its tests that are about
 * tunnels once more with the simple plane.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'local',
          include: ['test/{unit,vectors,fuzz,sim,cli}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'interop-simple',
          include: ['test/interop/{addresses,nat,rekey,suites}.test.ts'],
          env: { IPSEC_KIT_TEST_PLANE: 'simple' },
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
