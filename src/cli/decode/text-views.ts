import type { ChalkInstance } from 'chalk';
import type { DecodeResult } from '../../lib/capture/decode.js';
import { forJson } from '../../lib/capture/packet-json.js';
import type { DecodedPacket, Unit } from '../../lib/capture/types.js';
import { printable } from '../../lib/core/printable.js';
import { frameLines } from './frame-view.js';
import type { BatchedOutput } from './output.js';
import { messageLines, packetLine } from './packet-text.js';
import { renderMarkdown } from './render-markdown.js';
import { renderText } from './render-text.js';
import { buildReport } from './report.js';
import { type Choice, isChosen, isOfFrame, type View } from './views.js';

/** IKE messages whose fields are kept for `--verbose`. */
const MAX_DETAILED = 20_000;

export interface TextOptions {
  /** Of the capture, for the heading. */
  name: string;
  format: 'text' | 'markdown';
  verbose: boolean;
  /** Show packets as they come: the capture is still growing. */
  live: boolean;
  paint: ChalkInstance;
  columns: number;
}

/** The conversations, when all is read; of a growing capture each packet as it comes, too. */
export class ConversationView implements View {
  readonly #messages = new Map<number, DecodedPacket[]>();
  #kept = 0;
  #omitted = 0;

  constructor(
    readonly output: BatchedOutput,
    readonly choice: Choice,
    readonly options: TextOptions,
  ) {}

  /** Whether packets are shown as they come. */
  get live(): boolean {
    return this.options.live;
  }

  packet(packet: DecodedPacket): void {
    if (this.options.live && isChosen(this.choice, packet)) {
      this.output.write(`${printable(packetLine(packet))}\n`);
    }
    if (this.options.verbose) this.#keep(packet);
  }

  finish(result: DecodeResult): void {
    const { name, format, verbose, paint, columns, live } = this.options;
    if (this.#omitted > 0) {
      result.notes.push({
        code: 'N_DETAILS_OMITTED',
        message: `Fields of ${this.#omitted} IKE messages after the first ${MAX_DETAILED} are left out; --format ndjson has them`,
      });
    }
    const report = buildReport(name, result, this.choice.filter, verbose);
    const details = (frames: readonly number[]): string[] =>
      frames.flatMap((frame) => this.#messages.get(frame) ?? []).flatMap(messageLines);
    const text =
      format === 'markdown'
        ? renderMarkdown(report, details)
        : renderText(report, { paint, columns, details });
    this.output.write(live ? `\n${text}` : text);
  }

  #keep(packet: DecodedPacket): void {
    if (packet.ike === undefined) return;
    if (this.#kept === MAX_DETAILED) {
      this.#omitted += 1;
      return;
    }
    this.#kept += 1;
    this.#messages.set(packet.frame, [...(this.#messages.get(packet.frame) ?? []), forJson(packet)]);
  }
}

export function noFrameText(frame: number, frames: number): string {
  return `There is no frame ${frame}: the capture has ${frames}`;
}

/** One frame, byte by byte. */
export class FrameView implements View {
  #found = false;
  #inner: Uint8Array | undefined;

  constructor(
    readonly output: BatchedOutput,
    readonly frame: number,
    readonly markdown: boolean,
  ) {}

  /** Every decrypted packet; the last one belongs to the packet that is seen next. */
  inner(packet: Uint8Array): void {
    this.#inner = packet;
  }

  packet(packet: DecodedPacket, unit: Unit): void {
    if (isOfFrame(packet, this.frame)) this.#show(packet, unit);
    this.#inner = undefined;
  }

  finish(result: DecodeResult): void {
    if (this.#found) return;
    const { frames } = result.summary;
    this.output.write(
      frames < this.frame
        ? `${noFrameText(this.frame, frames)}.\n`
        : `Frame ${this.frame} carries neither IKE nor ESP nor AH.\n`,
    );
  }

  #show(packet: DecodedPacket, unit: Unit): void {
    const lines = frameLines(packet, unit, this.#inner).map(printable);
    const text = (this.markdown ? lines.map((line) => `    ${line}`.trimEnd()) : lines).join('\n');
    this.output.write(this.#found ? `\n${text}\n` : `${text}\n`);
    this.#found = true;
  }
}
