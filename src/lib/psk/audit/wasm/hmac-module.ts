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
  type Local,
  load128,
  type Place,
  store128,
} from './assembler.js';
import type { HashDesign } from './design.js';
import { xor } from './words.js';

const VECTOR_BYTES = 16;
/** Words of a block, in all these hash functions. */
export const BLOCK_WORDS = 16;
/** Message words that are made in one turn of a loop; a divisor of 48 and 64. */
const EXPANDED_AT_ONCE = 8;

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
  /** The block that is compressed, with room for the message words that follow from it. */
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

export function layoutOf({ words, initial, constants, expand }: HashDesign, groups: number): Layout {
  const stride = groups * VECTOR_BYTES;
  let end = 0;
  const reserve = (bytes: number): number => {
    const start = end;
    end += Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES;
    return start;
  };
  const state = (): number => reserve(initial.length * stride);
  const key = reserve(BLOCK_WORDS * stride);
  const block = reserve((expand ? constants.length : BLOCK_WORDS) * stride);
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
  const { words, expand, wordOf } = design;
  const message = code.local('i32');
  const constant = code.local('i32');
  if (expand) emitExpansion(code, design, layout, message);
  code.emit(message.set(i32Const(layout.block)), constant.set(i32Const(layout.one.constants)));
  emitCompression(code, design, layout, {
    from: code.parameter(0).get,
    to: code.parameter(1).get,
    word: (at, group) =>
      words.add(
        load128(groupPlace(layout, message.get, wordOf(at), group)),
        words.loadSplat({ base: constant.get, offset: at * words.bytes }),
      ),
    advance(rounds) {
      if (expand) code.emit(increase(message, rounds * layout.stride));
      code.emit(increase(constant, rounds * words.bytes));
    },
  });
  return code;
}

/** `(state, schedule, blocks)`: compresses blocks that all lanes share into the state. */
function compressKnown(design: HashDesign, layout: Layout): FunctionBuilder {
  const code = new FunctionBuilder(3);
  const [state, schedule, blocks] = [code.parameter(0), code.parameter(1), code.parameter(2)];
  const { words } = design;
  code.loop(() => {
    emitCompression(code, design, layout, {
      from: state.get,
      to: state.get,
      word: (at) => words.loadSplat({ base: schedule.get, offset: at * words.bytes }),
      advance: (rounds) => code.emit(increase(schedule, rounds * words.bytes)),
    });
    code.emit(increase(blocks, -1));
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

/** Message words beyond the block's 16, each behind the one before. */
function emitExpansion(
  code: FunctionBuilder,
  { expand, constants }: HashDesign,
  layout: Layout,
  cursor: Local,
): void {
  if (!expand) return;
  const left = code.local('i32');
  const variables = expand.from.map(() => code.local());
  const perTurn = EXPANDED_AT_ONCE;
  code.emit(cursor.set(i32Const(layout.block)));
  code.emit(left.set(i32Const((constants.length - BLOCK_WORDS) / perTurn)));
  code.loop(() => {
    for (let at = BLOCK_WORDS; at < BLOCK_WORDS + perTurn; at++) {
      emitForGroups(code, layout, (group) => {
        const place = (index: number): Place => groupPlace(layout, cursor.get, index, group);
        for (const [index, back] of expand.from.entries()) {
          code.emit(variables[index]!.set(load128(place(at - back))));
        }
        return store128(place(at), expand.code(...variables.map(({ get }) => get)));
      });
    }
    code.emit(increase(cursor, perTurn * layout.stride), increase(left, -1));
  }, left.get);
}

interface Compression {
  /** Addresses of the state before and after. */
  from: Code;
  to: Code;
  /** Message word plus constant, for a round counted from where {@link Compression.advance} was last called. */
  word(at: number, group: number): Code;
  /** Emits code that goes on by so many rounds. */
  advance(rounds: number): void;
}

/** All rounds on a state that is held in variables. */
function emitCompression(
  code: FunctionBuilder,
  { words, initial, runs, round }: HashDesign,
  layout: Layout,
  { from, to, word, advance }: Compression,
): void {
  const left = code.local('i32');
  const states = Array.from({ length: layout.groups }, () => initial.map(() => code.local()));
  const forWords = (emit: (variable: Local, at: number, group: number) => Code): void => {
    for (const [group, state] of states.entries()) {
      for (const [at, variable] of state.entries()) code.emit(emit(variable, at, group));
    }
  };
  forWords((variable, at, group) => variable.set(load128(groupPlace(layout, from, at, group))));
  let start = 0;
  for (const { rounds, times } of runs) {
    const body = (): void => {
      for (let at = 0; at < rounds; at++) {
        for (const [group, state] of states.entries()) {
          code.emit(...round(start + at, rotated(state, start + at), word(at, group)));
        }
      }
      advance(rounds);
    };
    if (times === 1) body();
    else {
      code.emit(left.set(i32Const(times)));
      code.loop(() => {
        body();
        code.emit(increase(left, -1));
      }, left.get);
    }
    start += rounds * times;
  }
  forWords((variable, at, group) => {
    const before = load128(groupPlace(layout, from, at, group));
    return store128(groupPlace(layout, to, at, group), words.add(variable.get, before));
  });
}

/** The state's variables in the order in which a round finds them: each moves the last to the front. */
function rotated(state: readonly Local[], rounds: number): Local[] {
  return state.map((_, at) => state[(at + state.length * rounds - rounds) % state.length]!);
}

const increase = (variable: Local, by: number): Code => variable.set(i32Add(variable.get, i32Const(by)));

const groupPlace = ({ stride }: Layout, base: Code, at: number, group: number): Place => ({
  base,
  offset: at * stride + group * VECTOR_BYTES,
});

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

function wordAt(layout: Layout, start: number, at: number, group: number): Place {
  return groupPlace(layout, i32Const(start), at, group);
}
