#!/usr/bin/env node
/** The command straight from src/, without a build. */
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../src/cli/main.ts');
await main(new URL('..', import.meta.url), { commands: './src/commands' });
