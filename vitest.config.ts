import { defineConfig } from 'vitest/config';

/**
 * Two projects: `local` runs for every user without privileges; `interop` needs root, namespaces and real peers
 * and runs one file at a time, because the files share the machine's namespaces.
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
        },
      },
    ],
  },
});
