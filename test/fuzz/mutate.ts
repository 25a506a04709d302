/** A seeded source of numbers (mulberry32): the same seed gives the same case on every machine. */
export function createRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof createRandom>;

/** Values that sit on the borders of lengths, counts and types. */
const interesting = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 33, 41, 44, 46, 47, 48, 53, 0x7f, 0x80, 0xfe, 0xff];
const LENGTH_AT = 24;

/** One to six mutations of a sample; three times in four with a header length that fits again. */
export function mutate(samples: readonly Uint8Array[], random: Random): Uint8Array {
  let data: Uint8Array = samples[random(samples.length)]!.slice();
  for (let left = random(6); left >= 0; left--)
    data = mutations[random(mutations.length)]!(data, random, samples);
  if (data.length >= LENGTH_AT + 4 && random(4) > 0) {
    new DataView(data.buffer, data.byteOffset).setUint32(LENGTH_AT, data.length);
  }
  return data;
}

const mutations: readonly ((
  data: Uint8Array,
  random: Random,
  samples: readonly Uint8Array[],
) => Uint8Array)[] = [
  function flipBit(data, random) {
    if (data.length > 0) data[random(data.length)]! ^= 1 << random(8);
    return data;
  },
  function setByte(data, random) {
    if (data.length > 0) data[random(data.length)] = interesting[random(interesting.length)]!;
    return data;
  },
  function setShort(data, random) {
    if (data.length < 2) return data;
    const at = random(data.length - 1);
    data[at] = random(3) === 0 ? random(256) : 0;
    data[at + 1] = interesting[random(interesting.length)]!;
    return data;
  },
  function nudgeByte(data, random) {
    if (data.length > 0) data[random(data.length)]! += random(9) - 4;
    return data;
  },
  function truncate(data, random) {
    return data.slice(0, random(data.length + 1));
  },
  function cutOut(data, random) {
    const from = random(data.length + 1);
    return join(data.subarray(0, from), data.subarray(from + random(40)));
  },
  function repeat(data, random) {
    const from = random(data.length + 1);
    const to = Math.min(data.length, from + random(64));
    return join(data.subarray(0, to), data.subarray(from));
  },
  function insertNoise(data, random) {
    const at = random(data.length + 1);
    const noise = Uint8Array.from({ length: random(24) }, () => random(256));
    return join(data.subarray(0, at), noise, data.subarray(at));
  },
  function splice(data, random, samples) {
    const other = samples[random(samples.length)]!;
    return join(data.subarray(0, random(data.length + 1)), other.subarray(random(other.length + 1)));
  },
];

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
