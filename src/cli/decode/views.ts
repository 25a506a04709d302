import type { DecodeResult } from '../../lib/capture/decode.js';
import { encodeEsp, mostBytes } from '../../lib/capture/packet-bytes.js';
import type { PacketFilter } from '../../lib/capture/packet-filter.js';
import { packetJson } from '../../lib/capture/packet-json.js';
import type { DecodedPacket, Unit } from '../../lib/capture/types.js';
import { DECODE_SCHEMA } from '../../lib/report/decode.schema.js';
import type { BatchedOutput } from './output.js';

/** Packets that may wait for the diagnosis when the filter asks for findings. */
const MAX_HELD = 100_000;

/** Shows packets as they come and the result at the end. */
export interface View {
  /** @param unit its bytes are valid during the call only */
  packet(packet: DecodedPacket, unit: Unit): void;
  finish(result: DecodeResult): void;
}

/** Which packets are shown: those of one frame, and those the filter lets through. */
export interface Choice {
  filter: PacketFilter;
  frame: number | undefined;
}

export function isChosen({ filter, frame }: Choice, packet: DecodedPacket): boolean {
  return (frame === undefined || isOfFrame(packet, frame)) && filter.matches(packet);
}

export function isOfFrame(packet: DecodedPacket, frame: number): boolean {
  return packet.frame === frame || packet.frames?.includes(frame) === true;
}

/** Lets chosen packets through at once, or, when findings decide, at the end. */
class PacketGate {
  #held: { frames: readonly number[]; json: string }[] = [];
  #overflow = 0;

  /** @param show takes what was held back, as JSON */
  constructor(
    readonly choice: Choice,
    readonly show: (json: string) => void,
  ) {}

  /** @returns whether to show it at once */
  lets(packet: DecodedPacket): boolean {
    if (!isChosen(this.choice, packet)) return false;
    if (!this.choice.filter.needsFindings) return true;
    this.#hold(packet);
    return false;
  }

  #hold(packet: DecodedPacket): void {
    if (this.#held.length >= MAX_HELD) this.#overflow += 1;
    else this.#held.push({ frames: packet.frames ?? [packet.frame], json: packetJson(packet) });
  }

  finish(result: DecodeResult): void {
    const evidence = new Set(
      result.diagnosis
        .filter((finding) => this.choice.filter.matchesFinding(finding))
        .flatMap(({ frames }) => frames),
    );
    for (const { frames, json } of this.#held) {
      if (frames.some((frame) => evidence.has(frame))) this.show(json);
    }
    if (this.#overflow > 0) {
      result.notes.push({
        code: 'N_FILTER_LIMIT',
        message: `The filter on findings looked at the first ${MAX_HELD} packets only; add another term to it`,
      });
    }
  }
}

/** One packet a line. */
export class NdjsonView implements View {
  readonly #output: BatchedOutput;
  readonly #gate: PacketGate;

  constructor(output: BatchedOutput, choice: Choice) {
    this.#output = output;
    this.#gate = new PacketGate(choice, (json) => output.write(`${json}\n`));
  }

  packet(packet: DecodedPacket): void {
    if (!this.#gate.lets(packet)) return;
    if (packet.esp !== undefined && this.#output.encode(mostBytes(packet), encodeEsp, packet)) return;
    this.#output.write(`${packetJson(packet)}\n`);
  }

  finish(result: DecodeResult): void {
    this.#gate.finish(result);
  }
}

/** One document, whose packets are written as they come, so that memory does not grow with the capture. */
export class JsonView implements View {
  readonly #output: BatchedOutput;
  readonly #gate: PacketGate;
  #shown = 0;

  constructor(output: BatchedOutput, choice: Choice) {
    this.#output = output;
    this.#gate = new PacketGate(choice, (json) => this.#show(json));
  }

  packet(packet: DecodedPacket): void {
    if (this.#gate.lets(packet)) this.#show(packetJson(packet));
  }

  finish(result: DecodeResult): void {
    this.#gate.finish(result);
    if (this.#shown === 0) this.#output.write(head());
    this.#output.write('\n]');
    for (const [name, value] of Object.entries(result)) {
      if (value !== undefined) this.#output.write(`,\n${JSON.stringify(name)}:${JSON.stringify(value)}`);
    }
    this.#output.write('}\n');
  }

  #show(json: string): void {
    this.#output.write(`${this.#shown === 0 ? head() : ','}\n${json}`);
    this.#shown += 1;
  }
}

function head(): string {
  return `{"schema":${JSON.stringify(DECODE_SCHEMA)},\n"packets":[`;
}
