#!/usr/bin/env node
/** The command straight from src/, without a build. */
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';
import { compileWat } from '../scripts/wat.mjs';

await compileWat(fileURLToPath(new URL('../src', import.meta.url)));
register();
const { main } = await import('../src/cli/main.ts');
await main(new URL('..', import.meta.url), { commands: './src/commands' });
