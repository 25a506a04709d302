/**
 * Just enough of a WebAssembly assembler: functions of i32 parameters over one imported memory, with 128-bit vectors
 * (WebAssembly Core Specification 2.0, sections 5.4 instructions and 5.5 modules). Code is a list of bytes; an operation
 * is a function from the code of its operands to its own.
 */
export type Code = readonly number[];

const ValueType = { i32: 0x7f, v128: 0x7b } as const;
type ValueTypeByte = (typeof ValueType)[keyof typeof ValueType];

const SIMD = 0xfd;
const EMPTY_BLOCK = 0x40;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const last = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}

/** A vector instruction, by its number behind the prefix. */
export function simd(opcode: number, ...operands: readonly Code[]): Code {
  return [...operands.flat(), SIMD, ...unsigned(opcode)];
}

export const i32Const = (value: number): Code => [0x41, ...signed(value)];
export const i32Add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const i32Or = (a: Code, b: Code): Code => [...a, ...b, 0x72];
export const i32Shl = (a: Code, b: Code): Code => [...a, ...b, 0x74];

/** A place in memory: an address on the stack, and a number of bytes to add to it. */
export interface Place {
  base: Code;
  offset: number;
}

/** A place that is known beforehand. */
export const fixedPlace = (offset: number): Place => ({ base: i32Const(0), offset });

/** Alignment is a hint only: what is read or written may lie elsewhere. */
const access = (opcode: number, alignment: number, { base, offset }: Place, value: Code = []): Code => [
  ...base,
  ...value,
  SIMD,
  opcode,
  alignment,
  ...unsigned(offset),
];

export const load128 = (place: Place): Code => access(0x00, 4, place);
export const load32Splat = (place: Place): Code => access(0x09, 2, place);
export const load64Splat = (place: Place): Code => access(0x0a, 3, place);
export const store128 = (place: Place, value: Code): Code => access(0x0b, 4, place, value);

/** Calls the function with that index. */
export const call = (index: number, ...parameters: readonly Code[]): Code => [
  ...parameters.flat(),
  0x10,
  ...unsigned(index),
];

/** A local variable of a function. */
export interface Local {
  get: Code;
  set(value: Code): Code;
}

/** One function: parameters are i32, the result is i32 or nothing. */
export class FunctionBuilder {
  readonly #locals: ValueTypeByte[] = [];
  readonly #code: number[] = [];

  constructor(
    readonly parameters: number,
    readonly hasResult = false,
  ) {}

  parameter(index: number): Local {
    return local(index);
  }

  /** A new local variable. */
  local(type: keyof typeof ValueType = 'v128'): Local {
    this.#locals.push(ValueType[type]);
    return local(this.parameters + this.#locals.length - 1);
  }

  /** Appends code. */
  emit(...codes: readonly Code[]): void {
    for (const code of codes) for (const byte of code) this.#code.push(byte);
  }

  /** Emits a loop: what `body` emits runs once, and again as long as the condition is not zero after it. */
  loop(body: () => void, condition: Code): void {
    this.emit([0x03, EMPTY_BLOCK]);
    body();
    this.emit(condition, [0x0d, 0, 0x0b]);
  }

  /** Emits what `body` emits; it runs when the condition is not zero. */
  when(condition: Code, body: () => void): void {
    this.emit(condition, [0x04, EMPTY_BLOCK]);
    body();
    this.emit([0x0b]);
  }

  /** The entry of the code section. */
  finish(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const body = [...unsigned(this.#locals.length), ...locals, ...this.#code, 0x0b];
    return [...unsigned(body.length), ...body];
  }
}

const local = (index: number): Local => ({
  get: [0x20, ...unsigned(index)],
  set: (value) => [...value, 0x21, ...unsigned(index)],
});

/**
 * The bytes of a module. It imports `env.memory`.
 * @param functions called by their index
 * @param exported names of functions that can be called from outside, with their index
 */
export function assemble(
  functions: readonly FunctionBuilder[],
  exported: Readonly<Record<string, number>>,
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters, hasResult }) => [
    0x60,
    ...vector(Array.from({ length: parameters }, () => [ValueType.i32])),
    ...vector(hasResult ? [[ValueType.i32]] : []),
  ]);
  const exports = Object.entries(exported).map(([name, index]) => [...text(name), 0x00, ...unsigned(index)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, 1]]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(7, exports),
    ...section(
      10,
      functions.map((each) => each.finish()),
    ),
  ]);
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  const content = vector(entries);
  return [id, ...unsigned(content.length), ...content];
}

/** Not by spreading into a call: a function body has more bytes than a call may have arguments. */
function vector(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(value: string): number[] {
  return [...unsigned(value.length), ...new TextEncoder().encode(value)];
}
