#!/usr/bin/env node
import { existsSync } from 'node:fs';

// Unless somebody listens, the signal that asks a tunnel for its counters opens a port for debuggers.
process.on('SIGUSR1', () => {});

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) {
  const { main } = await import(program.href);
  await main(new URL('..', import.meta.url));
} else {
  process.stderr.write('error: ipsec-kit is not built yet (E_NOT_BUILT)\nhint: run: npm run build\n');
  process.exitCode = 7;
}
