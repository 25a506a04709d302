/** Constants of MD5 (RFC 1321 3.4) and SHA-2 (FIPS 180-4 4.2, 5.3), from their definitions. */

/** The first `count` prime numbers. */
function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let candidate = 2n; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0n)) found.push(candidate);
  }
  return found;
}

/** The largest integer whose power does not exceed the value. */
function integerRoot(value: bigint, power: bigint): bigint {
  let low = 0n;
  let high = 1n << 80n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** power <= value) low = middle;
    else high = middle;
  }
  return low;
}

/** The first 64 bits of the fractional part of a root. */
const fraction = (value: bigint, power: bigint): bigint =>
  BigInt.asUintN(64, integerRoot(value << (64n * power), power));

const sha512Constants = primes(80).map((prime) => fraction(prime, 3n));
const squareRoots = primes(16).map((prime) => fraction(prime, 2n));

/** SHA-256 has the upper halves of SHA-512's words. */
const upperHalf = (word: bigint): bigint => word >> 32n;

export const sha2 = {
  sha256: {
    constants: sha512Constants.slice(0, 64).map(upperHalf),
    initial: squareRoots.slice(0, 8).map(upperHalf),
  },
  sha384: { constants: sha512Constants, initial: squareRoots.slice(8) },
  sha512: { constants: sha512Constants, initial: squareRoots.slice(0, 8) },
} as const;

export const md5Constants = Array.from({ length: 64 }, (_, i) =>
  BigInt(Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1)))),
);
