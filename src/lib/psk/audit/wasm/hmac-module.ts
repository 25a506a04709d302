import {
  assemble,
  type Code,
  call,
  FunctionBuilder,
  fixedPlace,
  i32Add,
  i32Const,
  i32Or,
  i32Shl,
  i32Sub,
  load128,
  type Place,
  store128,
} from './assembler.js';
import type { HashDesign, MessageWords, Rounds } from './design.js';
import { xor } from './words.js';

const VECTOR_BYTES = 16;
/** Words of a block, in all these hash functions. */
export const BLOCK_WORDS = 16;

/**
 * Where things are in the module's memory. `one` is a word that all lanes share. Everything else has a word for each
 * lane: word `i` of group `g` is at `(i * groups + g) * 16`, with its lanes side by side.
 */
export interface Layout {
  /** Vectors that are computed side by side: a round waits for the one before it, but not for the other groups. */
  groups: number;
  /** Candidates at a time. */
  lanes: number;
  /** Bytes from a word to the next of the same lane. */
  stride: number;
  /** The candidates, filled up with zeros to a block. */
  key: number;
  /** The block that is compressed, overwritten on the way. */
  block: number;
  states: {
    /** Before the first block. */
    initial: number;
    /** After the key's two pads. */
    keyInner: number;
    keyOuter: number;
    inner: number;
    outer: number;
  };
  one: {
    /** One a round. */
    constants: number;
    /** 0x3636… and 0x5c5c… (RFC 2104 2). */
    innerPad: number;
    outerPad: number;
    /** 16 words: zeros in place of a digest, then padding and length of the outer message. */
    tail: number;
  };
  /** First byte that is free, for schedules and expected words. */
  end: number;
}

/** Functions of the module. A schedule has one word a round, with its constant added. */
export interface HmacExports {
  /** Takes the candidates into use. */
  key(): void;
  /**
   * Computes HMAC(HMAC(candidate, salt), message).
   * @param salt address of the schedule of its blocks, which follow the key's block
   * @param expected address of the digest's first word
   * @returns one bit for each lane where the first word is the expected one
   */
  test(salt: number, saltBlocks: number, message: number, messageBlocks: number, expected: number): number;
}

export function layoutOf({ words, initial, constants }: HashDesign, groups: number): Layout {
  const stride = groups * VECTOR_BYTES;
  let end = 0;
  const reserve = (bytes: number): number => {
    const start = end;
    end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
  const state = (): number => reserve(initial.length * stride);
  const key = reserve(BLOCK_WORDS * stride);
  const block = reserve(BLOCK_WORDS * stride);
  const states = { initial: state(), keyInner: state(), keyOuter: state(), inner: state(), outer: state() };
  const one = {
    constants: reserve(constants.length * words.bytes),
    innerPad: reserve(words.bytes),
    outerPad: reserve(words.bytes),
    tail: reserve(BLOCK_WORDS * words.bytes),
  };
  return { groups, lanes: (groups * VECTOR_BYTES) / words.bytes, stride, key, block, states, one, end };
}

/** The module for one hash function, which computes `layout.lanes` candidates at a time. */
export function hmacModule(design: HashDesign, layout: Layout): Uint8Array<ArrayBuffer> {
  const functions = [compress, compressKnown, key, test].map((build) => build(design, layout));
  return assemble(functions, { key: functions.length - 2, test: functions.length - 1 });
}

/** Calls of the first two functions. */
const callCompress = (from: number, to: number): Code => call(0, i32Const(from), i32Const(to));
const callCompressKnown = (state: number, schedule: Code, blocks: Code): Code =>
  call(1, i32Const(state), schedule, blocks);

/** `(from, to)`: compresses the block into the state at `from` and puts the outcome at `to`. */
function compress(design: HashDesign, layout: Layout): FunctionBuilder {
  const code = new FunctionBuilder(2);
  const { words } = design;
  emitCompression(code, design, layout, code.parameter(0).get, code.parameter(1).get, (rounds, at, group) => {
    const constant = words.loadSplat(fixedPlace(layout.one.constants + at * words.bytes));
    return words.add(rounds.message(at, messageWords(layout, group)), constant);
  });
  return code;
}

/** `(state, schedule, blocks)`: compresses blocks that all lanes share into the state. */
function compressKnown(design: HashDesign, layout: Layout): FunctionBuilder {
  const code = new FunctionBuilder(3);
  const [state, schedule, blocks] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const { constants, words } = design;
  code.loop(() => {
    emitCompression(code, design, layout, state.get, state.get, (_rounds, at) =>
      words.loadSplat({ base: schedule.get, offset: at * words.bytes }),
    );
    code.emit(schedule.set(i32Add(schedule.get, i32Const(constants.length * words.bytes))));
    code.emit(blocks.set(i32Sub(blocks.get, i32Const(1))));
  }, blocks.get);
  return code;
}

/** `()`: the states after both pads of the candidates. */
function key(design: HashDesign, layout: Layout): FunctionBuilder {
  const code = new FunctionBuilder(0);
  const { key: from, states } = layout;
  emitPads(code, design, layout, {
    key: from,
    words: BLOCK_WORDS,
    inner: states.keyInner,
    outer: states.keyOuter,
  });
  return code;
}

/** `(salt, saltBlocks, message, messageBlocks, expected)`: see {@link HmacExports}. */
function test(design: HashDesign, layout: Layout): FunctionBuilder {
  const code = new FunctionBuilder(5, true);
  const [salt, saltBlocks, message, messageBlocks] = [0, 1, 2, 3].map(
    (index) => code.parameter(index).get,
  ) as [Code, Code, Code, Code];
  const { words, digestWords } = design;
  const { states, groups } = layout;
  for (const at of design.initial.keys()) {
    emitForGroups(code, layout, (group) =>
      store128(wordAt(layout, states.inner, at, group), load128(wordAt(layout, states.keyInner, at, group))),
    );
  }
  code.emit(callCompressKnown(states.inner, salt, saltBlocks));
  emitOuterBlock(code, design, layout);
  code.emit(callCompress(states.keyOuter, states.inner));
  emitPads(code, design, layout, {
    key: states.inner,
    words: digestWords,
    inner: states.inner,
    outer: states.outer,
  });
  code.emit(callCompressKnown(states.inner, message, messageBlocks));
  emitOuterBlock(code, design, layout);
  code.emit(callCompress(states.outer, states.inner));
  const expected = words.loadSplat({ base: code.parameter(4).get, offset: 0 });
  const bits = Array.from({ length: groups }, (_, group) => {
    const found = words.bitmask(words.equal(load128(wordAt(layout, states.inner, 0, group)), expected));
    return i32Shl(found, i32Const((group * VECTOR_BYTES) / words.bytes));
  });
  code.emit(bits.reduce(i32Or));
  return code;
}

/** The state that `from` holds, as variables, through all rounds; the sum of old and new goes to `target`. */
function emitCompression(
  code: FunctionBuilder,
  { words, initial, constants, rounds }: HashDesign,
  layout: Layout,
  from: Code,
  target: Code,
  wordOf: (rounds: Rounds, at: number, group: number) => Code,
): void {
  const groups = Array.from({ length: layout.groups }, (_, group) => {
    const place = (base: Code, at: number): Place => ({
      base,
      offset: at * layout.stride + group * VECTOR_BYTES,
    });
    const state = initial.map((_word, at) => {
      const variable = code.local();
      code.emit(variable.set(load128(place(from, at))));
      return variable;
    });
    return { place, rounds: rounds(code, state) };
  });
  for (const at of constants.keys()) {
    for (const [group, each] of groups.entries()) each.rounds.round(at, wordOf(each.rounds, at, group));
  }
  for (const each of groups) {
    for (const [at, value] of each.rounds.result().entries()) {
      code.emit(store128(each.place(target, at), words.add(value, load128(each.place(from, at)))));
    }
  }
}

/** Compresses a key, xored with each pad, from the initial state. The key may be where the inner state will be. */
function emitPads(
  code: FunctionBuilder,
  { words }: HashDesign,
  layout: Layout,
  place: { key: number; words: number; inner: number; outer: number },
): void {
  const pads = [
    { pad: layout.one.outerPad, state: place.outer },
    { pad: layout.one.innerPad, state: place.inner },
  ];
  for (const { pad, state } of pads) {
    const padding = code.local();
    code.emit(padding.set(words.loadSplat(fixedPlace(pad))));
    for (let at = 0; at < BLOCK_WORDS; at++) {
      emitForGroups(code, layout, (group) => {
        const word = load128(wordAt(layout, place.key, at, group));
        return store128(
          wordAt(layout, layout.block, at, group),
          at < place.words ? xor(word, padding.get) : padding.get,
        );
      });
    }
    code.emit(callCompress(layout.states.initial, state));
  }
}

/** The inner digest, padded, as the block that follows the outer pad. */
function emitOuterBlock(code: FunctionBuilder, { words, digestWords }: HashDesign, layout: Layout): void {
  for (let at = 0; at < BLOCK_WORDS; at++) {
    emitForGroups(code, layout, (group) =>
      store128(
        wordAt(layout, layout.block, at, group),
        at < digestWords
          ? load128(wordAt(layout, layout.states.inner, at, group))
          : words.loadSplat(fixedPlace(layout.one.tail + at * words.bytes)),
      ),
    );
  }
}

function emitForGroups(code: FunctionBuilder, { groups }: Layout, emit: (group: number) => Code): void {
  for (let group = 0; group < groups; group++) code.emit(emit(group));
}

function wordAt({ stride }: Layout, start: number, at: number, group: number): Place {
  return fixedPlace(start + at * stride + group * VECTOR_BYTES);
}

/** The block as a ring of the last 16 message words of one group. */
function messageWords(layout: Layout, group: number): MessageWords {
  const place = (at: number): Place => wordAt(layout, layout.block, at % BLOCK_WORDS, group);
  return {
    get: (at) => load128(place(at)),
    set: (at, value) => store128(place(at), value),
  };
}
