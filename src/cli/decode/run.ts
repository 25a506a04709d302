import { CaptureDecoder, useFastCiphers } from '../../lib/capture/decode.js';
import { loadKeys } from '../../lib/capture/keys/load.js';
import { KeyRing } from '../../lib/capture/keys/ring.js';
import type { KeyProblem } from '../../lib/capture/keys/types.js';
import { PacketFilter } from '../../lib/capture/packet-filter.js';
import type { CaptureNote } from '../../lib/capture/types.js';
import { openWriter } from '../../lib/capture/write/pcapng.js';
import { ExitCode, KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { paintFor } from '../paint.js';
import { columnsOf } from '../wrap.js';
import type { DecodeFlags } from './flags.js';
import { BatchedOutput } from './output.js';
import { expectOneSource, openSource, type Source } from './source.js';
import { ConversationView, FrameView, noFrameText } from './text-views.js';
import { type Choice, JsonView, NdjsonView, type View } from './views.js';
import { countText } from './words.js';

/** Width of text that goes into a file or a pipe. */
const COLUMNS = 120;

/**
 * Runs `decode` until the end of the capture or the signal.
 * @returns the exit code: 5 when the capture is damaged or an ICV was wrong
 * @throws {KitError} usage and environment errors, before anything was shown
 */
export async function runDecode(
  file: string | undefined,
  flags: DecodeFlags,
  signal: AbortSignal,
): Promise<ExitCode> {
  const source: Source = { file, interface: flags.interface, follow: flags.follow };
  expectOneSource(source);
  const choice: Choice = { filter: new PacketFilter(flags.filter ?? []), frame: flags.frame };
  const keys = await readKeys(flags);
  const output = new BatchedOutput(process.stdout, signal);
  const view = makeView(source, flags, choice, output);
  const frameView = view instanceof FrameView ? view : undefined;
  const path = flags['write-decrypted'];
  const writer = path === undefined ? undefined : await openWriter(path);
  let written = 0;
  try {
    const decoder = new CaptureDecoder({
      keys,
      ports: flags.port ?? [],
      // Conversations tell of ESP by flows, a packet that is not shown needs no summary.
      summaries: !(view instanceof ConversationView) || view.live,
      // Lines of packets carry no analysis, unless the choice of lines asks for it.
      analyse: !(view instanceof NdjsonView) || choice.filter.needsFindings,
      ...((writer ?? frameView) && {
        onInner: (packet, time) => {
          writer?.write(packet, time);
          written += 1;
          frameView?.inner(packet);
        },
      }),
    });
    const show = view.packet.bind(view);
    for await (const frames of openSource(source, decoder.onNote, signal)) {
      decoder.decode(frames, show);
      await output.flush();
      if (signal.aborted) break;
    }
    const result = decoder.finish();
    const { frame } = choice;
    if (frame !== undefined && frame > result.summary.frames && !signal.aborted) {
      tellNotes(result.notes);
      throw new KitError('usage', 'E_USAGE', noFrameText(frame, result.summary.frames));
    }
    view.finish(result);
    await output.flush();
    await writer?.close();
    if (writer !== undefined && written === 0) tellNotes([nothingWritten(path ?? '')]);
    if (!(view instanceof ConversationView)) tellNotes(result.notes);
    const { damaged, icv } = result.summary;
    return damaged || icv.bad > 0 ? ExitCode.protocol : ExitCode.ok;
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}

function makeView(source: Source, flags: DecodeFlags, choice: Choice, output: BatchedOutput): View {
  const format = flags.json ? 'json' : flags.format;
  if (format === 'ndjson') return new NdjsonView(output, choice);
  if (format === 'json') return new JsonView(output, choice);
  if (flags.frame !== undefined) return new FrameView(output, flags.frame, format === 'markdown');
  return new ConversationView(output, choice, {
    name: source.interface ?? (source.file === '-' ? 'standard input' : (source.file ?? '')),
    format,
    verbose: flags.verbose,
    live: format === 'text' && (source.follow || source.interface !== undefined),
    paint: paintFor(process.stdout, flags.color),
    columns: columnsOf(process.stdout, COLUMNS),
  });
}

async function readKeys(flags: DecodeFlags): Promise<KeyRing> {
  const paths = flags.keys ?? [];
  if (paths.length === 0) return new KeyRing();
  await useFastCiphers();
  const { keys, problems } = await loadKeys(paths);
  const [first] = problems;
  if (first !== undefined && flags['strict-keys']) {
    const more = problems.length === 1 ? '' : ` (and ${countText(problems.length - 1, 'more line')})`;
    throw new KitError('usage', 'E_KEY_LINE', `${problemText(first)}${more}`, {
      hint: 'Mend the file, or leave --strict-keys out to go on without that key.',
    });
  }
  for (const problem of problems) process.stderr.write(`warning: ${printable(problemText(problem))}\n`);
  return new KeyRing(keys);
}

function problemText({ file, line, message }: KeyProblem): string {
  return `${file}:${line}: ${message}`;
}

function nothingWritten(path: string): CaptureNote {
  return { code: 'N_NOTHING_WRITTEN', message: `No packet was decrypted: ${path} has none in it` };
}

/** Where the result has no place for them, or is for programs: stderr. */
function tellNotes(notes: readonly CaptureNote[]): void {
  for (const { code, message } of notes) {
    const label = code.startsWith('E_') ? 'error' : 'note';
    process.stderr.write(`${label}: ${printable(message)} (${code})\n`);
  }
}
