import {
  BitString,
  Boolean as BooleanBlock,
  Constructed,
  Integer,
  ObjectIdentifier,
  OctetString,
  Sequence,
} from 'asn1js';
import { AuthorityKeyIdentifier, Extension, ExtKeyUsage } from 'pkijs';
import { encode } from './asn1.js';
import { type KeyUsage, keyUsages, type NameConstraints } from './certificate.js';
import { type GeneralName, writeGeneralName } from './general-name.js';
import { Oid } from './oids.js';

function extension(extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER() });
}

/** @param pathLength how many CAs may follow below; undefined: any number */
export function basicConstraints(ca: boolean, pathLength?: number): Extension {
  const value = [
    ...(ca ? [new BooleanBlock({ value: true })] : []),
    ...(pathLength === undefined ? [] : [new Integer({ value: pathLength })]),
  ];
  return extension(Oid.basicConstraints, true, new Sequence({ value }));
}

/** Named bits: trailing zero bits are left out (X.690 11.2.2). */
export function keyUsage(usages: readonly KeyUsage[]): Extension {
  const bits = usages.map((usage) => keyUsages.indexOf(usage));
  const last = Math.max(...bits);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  return extension(Oid.keyUsage, true, new BitString({ valueHex: bytes, unusedBits: 7 - (last & 7) }));
}

/** Not critical: clients that do not know one of the usages still take the certificate (RFC 4945 5.1.3.12). */
export function extendedKeyUsage(oids: readonly string[]): Extension {
  return extension(Oid.extKeyUsage, false, new ExtKeyUsage({ keyPurposes: [...oids] }).toSchema());
}

/** @param critical RFC 5280 4.2.1.6: when the subject is empty */
export function subjectAltName(names: readonly GeneralName[], critical: boolean): Extension {
  return extension(Oid.subjectAltName, critical, new Sequence({ value: names.map(writeGeneralName) }));
}

export function subjectKeyIdentifier(identifier: Uint8Array): Extension {
  return extension(
    Oid.subjectKeyIdentifier,
    false,
    new OctetString({ valueHex: Uint8Array.from(identifier) }),
  );
}

export function authorityKeyIdentifier(identifier: Uint8Array): Extension {
  const keyIdentifier = new OctetString({ valueHex: Uint8Array.from(identifier) });
  return extension(
    Oid.authorityKeyIdentifier,
    false,
    new AuthorityKeyIdentifier({ keyIdentifier }).toSchema(),
  );
}

/** Critical, as RFC 5280 4.2.1.10 demands. */
export function nameConstraints({ permitted, excluded }: NameConstraints): Extension {
  const subtrees = (tagNumber: number, names: readonly GeneralName[]): Constructed[] =>
    names.length === 0
      ? []
      : [
          new Constructed({
            idBlock: { tagClass: 3, tagNumber },
            value: names.map((name) => new Sequence({ value: [writeGeneralName(name)] })),
          }),
        ];
  const value = [...subtrees(0, permitted), ...subtrees(1, excluded)];
  return extension(Oid.nameConstraints, true, new Sequence({ value }));
}

/** One distribution point with one URL. */
export function crlDistributionPoint(url: string): Extension {
  const tagged = (value: Constructed[] | ReturnType<typeof writeGeneralName>[]): Constructed =>
    new Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value });
  const name = writeGeneralName({ kind: 'uri', value: url });
  const point = new Sequence({ value: [tagged([tagged([name])])] });
  return extension(Oid.crlDistributionPoints, false, new Sequence({ value: [point] }));
}

/** The extensionRequest attribute of a signing request (RFC 2986, RFC 2985 5.4.2). */
export function extensionRequest(extensions: readonly Extension[]): Sequence {
  const value = new Sequence({ value: extensions.map((each) => each.toSchema()) });
  return new Sequence({ value: [new ObjectIdentifier({ value: Oid.extensionRequest }), setOf(value)] });
}

function setOf(value: Sequence): Constructed {
  return new Constructed({ idBlock: { tagClass: 1, tagNumber: 17 }, value: [value] });
}

/** The DER of an extension, for tests and comparisons. */
export function extensionDer(each: Extension): Uint8Array {
  return encode(each.toSchema());
}
