import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Interfaces } from '@oclif/core';
import { ExitCode } from '../lib/core/errors.js';
import { describeFailure, type Failure, isQuietExit } from './failure.js';

/** How long a finished command may keep the process: a handle somebody forgot to close must not keep it for ever. */
const LINGER_MS = 500;

/**
 * Runs the command line of this process and sets its exit code. Never rejects.
 * @param root folder of package.json
 * @param development runs commands from another folder than the manifest knows
 */
export async function main(root: URL, development?: { commands: string }): Promise<void> {
  process.stderr.on('error', ignoreClosedPipe);
  process.stdout.on('error', ignoreClosedPipe);
  const argv = process.argv.slice(2);
  // oclif takes longer to load than Node itself to start, and this needs nothing of it.
  if (argv[0] === '--version') {
    process.stdout.write(`${versionLine(fileURLToPath(root))}\n`);
    return;
  }
  try {
    const [{ run }, { settings }] = await Promise.all([
      import('@oclif/core/run'),
      import('@oclif/core/settings'),
    ]);
    // Without this, NODE_ENV=development in a user's environment makes oclif look for TypeScript sources.
    settings.enableAutoTranspile = false;
    await run(helpLast(argv), await configOptions(fileURLToPath(root), development));
  } catch (error) {
    const failure = describeFailure(error);
    if (!isQuietExit(error)) await report(failure, argv);
    process.exitCode = failure.exitCode;
  }
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Whatever the parser refused never became flags, so the format is looked for in the words themselves. */
async function report(failure: Failure, argv: string[]): Promise<void> {
  const ndjson = argv.some(
    (word, at) => word === '--format=ndjson' || (word === 'ndjson' && argv[at - 1] === '--format'),
  );
  const { EventOutput } = await import('./event-output.js');
  new EventOutput({ format: ndjson ? 'ndjson' : 'text', verbose: false, color: false }).failure(failure);
}

/** As oclif writes it: package, platform, Node. */
function versionLine(root: string): string {
  const { name, version }: { name: string; version: string } = readPackage(root);
  return `${name}/${version} ${process.platform}-${process.arch} node-${process.version}`;
}

function readPackage(root: string): Interfaces.PJSON {
  return JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
}

/** `help connect` is `connect --help`. */
function helpLast(argv: string[]): string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv;
}

async function configOptions(
  root: string,
  development: { commands: string } | undefined,
): Promise<Interfaces.LoadOptions> {
  if (development === undefined) return { root };
  const { Plugin } = await import('@oclif/core');
  const pjson = readPackage(root);
  const plugin = new Plugin({
    root,
    isRoot: true,
    // It describes the built commands, and names their files.
    ignoreManifest: true,
    pjson: { ...pjson, oclif: { ...pjson.oclif, commands: development.commands } },
  });
  await plugin.load();
  return { root, plugins: new Map([[plugin.name, plugin]]) };
}

/** The reader of our output went away (`| head`): end quietly, commands in progress notice by themselves. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') process.exitCode = ExitCode.bug;
}
