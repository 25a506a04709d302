import { isIPv6 } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import { formatIp, parseIp } from '../core/ip.js';

/** Address families of Linux. */
export const AF_INET = 2;
export const AF_INET6 = 10;
/** struct sockaddr_in and sockaddr_in6, bytes. */
export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;

/** An endpoint as C has it: struct sockaddr_in or sockaddr_in6. */
export function socketAddress({ address, port }: Endpoint): Uint8Array {
  const six = isIPv6(address);
  const bytes = new Uint8Array(six ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES);
  const view = new DataView(bytes.buffer);
  // The family is in the order of the host, which is little-endian wherever there are prebuilt packages of koffi.
  view.setUint16(0, six ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(parseIp(address), six ? 8 : 4);
  return bytes;
}

/** @returns the endpoint of a struct sockaddr; undefined for another family or one that is cut off */
export function endpointOf(bytes: Uint8Array): Endpoint | undefined {
  if (bytes.length < SOCKADDR_IN_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const port = view.getUint16(2);
  switch (view.getUint16(0, true)) {
    case AF_INET:
      return { address: formatIp(bytes.subarray(4, 8)), port };
    case AF_INET6:
      if (bytes.length < SOCKADDR_IN6_BYTES) return undefined;
      return { address: formatIp(bytes.subarray(8, 24)), port };
    default:
      return undefined;
  }
}
