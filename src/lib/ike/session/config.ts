import { formatIp, parseIp } from '../../core/ip.js';
import type { ConfigAttribute, ConfigPayload } from '../wire/types.js';
import type { AssignedAddresses } from './types.js';

/** Configuration payload types, RFC 7296 3.15. */
export const CfgType = { REQUEST: 1, REPLY: 2 } as const;

/** The configuration attributes that tunnels use, RFC 7296 3.15.1. */
const Attribute = {
  INTERNAL_IP4_ADDRESS: 1,
  INTERNAL_IP4_DNS: 3,
  INTERNAL_IP6_ADDRESS: 8,
  INTERNAL_IP6_DNS: 10,
} as const;

const EMPTY = new Uint8Array(0);
/** More attributes of one kind than any gateway has a use for. */
const MAX_DNS = 8;

/** Asks for a virtual address and name servers of both families. */
export function configRequest(): ConfigAttribute[] {
  return Object.values(Attribute).map((type) => ({ type, value: EMPTY }));
}

/** What a client asks for: families, and addresses it had before. */
export function readConfigRequest(payload: ConfigPayload): { families: (4 | 6)[]; wanted: string[] } {
  const families: (4 | 6)[] = [];
  const wanted: string[] = [];
  for (const { type, value } of payload.attributes) {
    if (type === Attribute.INTERNAL_IP4_ADDRESS && !families.includes(4)) {
      families.push(4);
      if (value.length === 4) wanted.push(formatIp(value));
    }
    if (type === Attribute.INTERNAL_IP6_ADDRESS && !families.includes(6)) {
      families.push(6);
      if (value.length >= 16) wanted.push(formatIp(value.subarray(0, 16)));
    }
  }
  return { families, wanted };
}

/** CFG_REPLY attributes for assigned addresses; an IPv6 address carries its prefix length. */
export function configReply({ addresses, dns }: AssignedAddresses): ConfigAttribute[] {
  return [
    ...addresses.map((text) => {
      const value = parseIp(text);
      return value.length === 4
        ? { type: Attribute.INTERNAL_IP4_ADDRESS, value }
        : { type: Attribute.INTERNAL_IP6_ADDRESS, value: Uint8Array.of(...value, 128) };
    }),
    ...dns.map((text) => {
      const value = parseIp(text);
      const type = value.length === 4 ? Attribute.INTERNAL_IP4_DNS : Attribute.INTERNAL_IP6_DNS;
      return { type, value };
    }),
  ];
}

/** What a gateway assigned; attributes of a wrong size are passed over. */
export function readConfigReply(payload: ConfigPayload): AssignedAddresses {
  const addresses: string[] = [];
  const dns: string[] = [];
  for (const { type, value } of payload.attributes) {
    const first = (family: 4 | 6): boolean => !addresses.some((a) => a.includes(':') === (family === 6));
    if (type === Attribute.INTERNAL_IP4_ADDRESS && value.length === 4 && first(4))
      addresses.push(formatIp(value));
    if (type === Attribute.INTERNAL_IP6_ADDRESS && value.length >= 16 && first(6)) {
      addresses.push(formatIp(value.subarray(0, 16)));
    }
    const isDns =
      (type === Attribute.INTERNAL_IP4_DNS && value.length === 4) ||
      (type === Attribute.INTERNAL_IP6_DNS && value.length === 16);
    if (isDns && dns.length < MAX_DNS) dns.push(formatIp(value));
  }
  return { addresses, dns };
}
