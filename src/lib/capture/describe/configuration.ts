import { xauthStatusName, xauthTypeName } from '../../ike/v1/names.js';
import { addressText, type Fields, hex, subnetText, text, uint, uint16List } from './fields.js';

/** What an attribute of a Configuration payload (or of Mode-Config and XAUTH) holds, by how it is written. */
type Reader = (value: Uint8Array, name: (type: number) => string) => unknown;

const REDACTED = '[redacted]';

const address: Reader = (value) => addressText(value);
const prefix: Reader = (value) =>
  value.length === 17 ? `${addressText(value.subarray(0, 16))}/${value[16]}` : addressText(value);
const subnet: Reader = (value) =>
  value.length === 8 ? subnetText(value.subarray(0, 4), value.subarray(4)) : hex(value);
const words: Reader = (value) => text(value);
const number: Reader = (value) => (value.length <= 4 ? uint(value) : hex(value));
const types: Reader = (value, name) => uint16List(value).map(name);
const secret: Reader = () => REDACTED;

/** A network, then protocol and ports (Cisco's split tunnelling), 14 bytes each. */
const splitNetworks: Reader = (value) => {
  const networks: string[] = [];
  for (let at = 0; at + 8 <= value.length; at += 14) {
    networks.push(subnetText(value.subarray(at, at + 4), value.subarray(at + 4, at + 8)));
  }
  return networks;
};

/** RFC 9464 3.1: priority, the number of addresses, the length of the name, addresses, name, service parameters. */
const encryptedDns =
  (addressBytes: number): Reader =>
  (value) => {
    const [, , count = 0, nameBytes = 0] = value;
    const nameAt = 4 + count * addressBytes;
    if (value.length < nameAt + nameBytes) return hex(value);
    return {
      priority: uint(value.subarray(0, 2)),
      addresses: Array.from({ length: count }, (_, i) =>
        addressText(value.subarray(4 + i * addressBytes, 4 + (i + 1) * addressBytes)),
      ),
      name: text(value.subarray(nameAt, nameAt + nameBytes)),
      parameters: hex(value.subarray(nameAt + nameBytes)),
    };
  };

const common: Readonly<Record<number, Reader>> = {
  1: address,
  2: address,
  3: address,
  4: address,
  5: number,
  6: address,
  7: words,
  8: prefix,
  10: address,
  11: address,
  12: address,
  13: subnet,
  14: types,
  15: prefix,
};

const ikev2Readers: Readonly<Record<number, Reader>> = {
  ...common,
  18: prefix,
  20: address,
  21: address,
  24: number,
  25: words,
  27: encryptedDns(4),
  28: encryptedDns(16),
};

const ikev1Readers: Readonly<Record<number, Reader>> = {
  ...common,
  9: address,
  16387: words,
  16520: (value) => xauthTypeName(uint(value.subarray(0, 4))),
  16521: words,
  16522: secret,
  16523: secret,
  16524: words,
  16526: words,
  16527: (value) => xauthStatusName(uint(value.subarray(0, 4))),
  16528: secret,
  16529: secret,
  28672: words,
  28673: number,
  28674: words,
  28675: words,
  28676: splitNetworks,
  28677: number,
  28678: splitNetworks,
  28679: number,
  28681: words,
  28682: words,
};

/**
 * One attribute: its name and, unless it is empty as in a request, its value: addresses, subnets, text or numbers where
 * the type is known, else hex. Passwords are redacted.
 */
export function describeConfigAttribute(
  version: 1 | 2,
  name: (type: number) => string,
  type: number,
  value: Uint8Array,
): Fields {
  const fields: Fields = { type: name(type), typeNumber: type };
  if (value.length > 0) {
    const readers = version === 1 ? ikev1Readers : ikev2Readers;
    fields.value = (readers[type] ?? hex)(value, name);
  }
  return fields;
}
