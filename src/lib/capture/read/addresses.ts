import type { Endpoint } from '../../core/endpoint.js';
import { formatIp } from '../../core/ip.js';
import { type IpHeader, u16, u32 } from './ip.js';

/** Endpoints remembered at most; then all are forgotten. */
const LIMIT = 1 << 16;

/** Gives the same object for the same address and port, so that a packet costs no formatting. */
export class AddressBook {
  readonly #ipv4 = new Map<number, Endpoint>();
  readonly #ipv6 = new Map<string, Endpoint>();

  source(data: Uint8Array, header: IpHeader, port: number): Endpoint {
    return this.#at(data, header.source, header.addressBytes, port);
  }

  destination(data: Uint8Array, header: IpHeader, port: number): Endpoint {
    return this.#at(data, header.source + header.addressBytes, header.addressBytes, port);
  }

  #at(data: Uint8Array, at: number, length: 4 | 16, port: number): Endpoint {
    if (length === 4) {
      const key = u32(data, at) * 65_536 + port;
      return this.#ipv4.get(key) ?? remember(this.#ipv4, key, data.subarray(at, at + 4), port);
    }
    const key = ipv6Key(data, at, port);
    return this.#ipv6.get(key) ?? remember(this.#ipv6, key, data.subarray(at, at + 16), port);
  }
}

function remember<K>(known: Map<K, Endpoint>, key: K, address: Uint8Array, port: number): Endpoint {
  if (known.size >= LIMIT) known.clear();
  const endpoint = Object.freeze({ address: formatIp(address), port });
  known.set(key, endpoint);
  return endpoint;
}

function ipv6Key(data: Uint8Array, at: number, port: number): string {
  return String.fromCharCode(
    port,
    u16(data, at),
    u16(data, at + 2),
    u16(data, at + 4),
    u16(data, at + 6),
    u16(data, at + 8),
    u16(data, at + 10),
    u16(data, at + 12),
    u16(data, at + 14),
  );
}
