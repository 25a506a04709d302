import { Secret } from '../../../src/lib/core/secret.js';
import { transforms } from '../../../src/lib/crypto/registry.js';
import { type EncrTransform, type IntegTransform, TransformType } from '../../../src/lib/crypto/transform.js';
import type { EspSaParameters } from '../../../src/lib/esp/sa.js';

const encrRows = transforms(TransformType.ENCR).filter((row) => row.bind !== undefined);
const integRows = transforms(TransformType.INTEG).filter((row) => row.compute !== undefined);

function keyBytes(length: number, seed: number): Secret {
  return new Secret(Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff));
}

function parameters(encr: EncrTransform, bits: number, integ: IntegTransform | undefined): EspSaParameters {
  return {
    spi: 0xc0ffee01,
    encr,
    encrKey: keyBytes(bits / 8 + encr.saltBytes, 1),
    integ,
    integKey: keyBytes(integ?.keyBytes ?? 0, 2),
    esn: false,
  };
}

function keyLengthsOf(encr: EncrTransform): readonly number[] {
  return encr.keyLengths.length > 0 ? encr.keyLengths : [encr.fixedKeyLength ?? 0];
}

/** Every pair of implemented ENCR and INTEG that makes an ESP suite, by a readable name. */
export const suites: readonly { name: string; sa: EspSaParameters }[] = encrRows.flatMap((encr) =>
  keyLengthsOf(encr).flatMap((bits) =>
    (encr.kind === 'aead' ? [undefined] : integRows).map((integ) => ({
      name: [encr.name, bits, integ?.name].filter((part) => part !== undefined).join(' '),
      sa: parameters(encr, bits, integ),
    })),
  ),
);

/** One suite of each ENCR row: the shape of a packet depends on no more. */
export const oneSuiteEach = suites.filter(
  ({ sa }, i) => suites.findIndex((other) => other.sa.encr === sa.encr) === i,
);

/** The suite of a name. */
export function suite(name: string): EspSaParameters {
  const found = suites.find((entry) => entry.name.startsWith(name));
  if (found === undefined) throw new Error(`no suite ${name}`);
  return found.sa;
}
