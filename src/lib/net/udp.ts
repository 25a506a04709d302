import { createSocket, type Socket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { concatBytes } from '../core/bytes.js';
import type { Endpoint, Path } from '../core/endpoint.js';
import { KitError } from '../core/errors.js';
import { formatIp, parseIp } from '../core/ip.js';
import type { Log } from '../core/log.js';
import { duplicate, keepForUs, openUdpDescriptor, prepareForBatches } from './udp-descriptor.js';

/** A UDP port to open. Port 0 lets the system choose. */
export interface UdpBinding {
  address: string;
  port: number;
  /** True: the framing of RFC 3948 (the port-4500 socket). */
  natT: boolean;
}

/** One datagram, told apart; `data` is without the non-ESP marker. */
export interface Datagram {
  kind: 'ike' | 'esp';
  path: Path;
  data: Uint8Array;
}

/** The UDP sockets of one tunnel endpoint. */
export interface UdpTransport {
  /** As opened, in the order asked for, with the real ports. */
  readonly bindings: readonly UdpBinding[];
  /** Sends IKE (with the non-ESP marker on a NAT-T path), or a NAT keepalive as it is. Never throws. */
  send(path: Path, data: Uint8Array, keepalive?: true): void;
  /** Sends one UDP-encapsulated ESP packet. Never throws. */
  sendEsp(packet: Uint8Array, local: Endpoint, remote: Endpoint): void;
  /**
   * Gives the NAT-T sockets to somebody who reads and writes them by descriptor, closes these, and hands the IKE
   * messages among what arrives to `receive` of the result. They may receive super-segments. From then on IKE goes out through `send`.
   * @returns undefined when they were not opened for that
   * @throws Error with `code` when one cannot be given, e.g. `EMFILE`; no descriptor of them stays open then
   */
  giveAway(send: SendMessage): Promise<GivenSockets | undefined>;
  /** Datagrams that were not sent: queue full, no such socket, refused by the system. */
  readonly unsent: number;
  close(): Promise<void>;
}

/** Sends one datagram of a socket that was given away, marker included. */
export type SendMessage = (local: Endpoint, remote: Endpoint, message: Uint8Array) => void;

export interface GivenSockets {
  /** `superSegments`: they may come; else datagrams come one by one. */
  readonly sockets: readonly { local: Endpoint; fd: number; superSegments: boolean }[];
  /** Takes an IKE message, without its marker. */
  receive(local: Endpoint, remote: Endpoint, message: Uint8Array): void;
}

/** Bytes that may wait in one socket before more are dropped. */
const MAX_QUEUED_BYTES = 4 << 20;
const SOCKET_BUFFER_BYTES = 4 << 20;
/** RFC 768 over IPv4: 65535 less IP and UDP header. */
const MAX_DATAGRAM_BYTES = 65_507;
const IKE_HEADER_BYTES = 28;
const NON_ESP_MARKER = new Uint8Array(4);

/**
 * Opens UDP sockets, IPv4 and IPv6 (only) by address, none shared with another process.
 * `local` of a received path is the binding it came through, also when that is a wildcard address.
 * @param toGive opens NAT-T sockets in a way that they can be given away, which takes koffi
 * @throws {KitError} `E_PORT_IN_USE`, `E_PRIVILEGE`, `E_ADDRESS`, `E_BIND`; nothing stays open then
 */
export async function openUdp(
  bindings: readonly UdpBinding[],
  onDatagram: (datagram: Datagram) => void,
  log: Log,
  toGive = false,
): Promise<UdpTransport> {
  const ports: UdpPort[] = [];
  try {
    for (const binding of bindings) {
      ports.push(await UdpPort.open(binding, onDatagram, log, toGive && binding.natT));
    }
  } catch (error) {
    await Promise.all(ports.map((port) => port.close()));
    throw error;
  }
  let lost = 0;
  const portFor = (local: Endpoint, natT: boolean): UdpPort | undefined => {
    const port = ports.find(
      ({ binding }) =>
        binding.natT === natT && binding.port === local.port && binding.address === local.address,
    );
    if (port === undefined) {
      lost += 1;
      log('debug', `no UDP socket at ${local.address} port ${local.port}`);
    }
    return port;
  };
  return {
    bindings: ports.map((port) => port.binding),
    send(path, data, keepalive) {
      const port = portFor(path.local, path.natT);
      const parts = path.natT && keepalive === undefined ? [NON_ESP_MARKER, data] : [data];
      port?.send(parts, path.remote);
    },
    sendEsp(packet, local, remote) {
      portFor(local, true)?.send([packet], remote);
    },
    async giveAway(send) {
      const given = ports.filter(({ binding }) => binding.natT);
      const sockets: { local: Endpoint; fd: number; superSegments: boolean }[] = [];
      try {
        for (const port of given) {
          const fd = await port.give(send);
          if (fd === undefined) continue;
          const socket = { local: endpointOf(port.binding), fd, superSegments: false };
          sockets.push(socket);
          socket.superSegments = await prepareForBatches(fd, isIPv6(port.binding.address));
        }
      } catch (error) {
        for (const { fd } of sockets) closeSync(fd);
        throw error;
      }
      if (sockets.length === 0) return undefined;
      return {
        sockets,
        receive: (local, remote, data) =>
          onDatagram({ kind: 'ike', path: { local, remote, natT: true }, data }),
      };
    },
    get unsent() {
      return ports.reduce((sum, port) => sum + port.unsent, lost);
    },
    async close() {
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}

/**
 * The local address that packets to `remote` leave from.
 * @throws {KitError} `E_NO_ROUTE` (network)
 */
export async function localAddressFor(remote: string): Promise<string> {
  const socket = createSocket(isIPv6(remote) ? 'udp6' : 'udp4');
  try {
    // Connecting a UDP socket sends nothing; the system only looks up the route. The port does not matter.
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', resolve);
      socket.connect(500, remote);
    });
    return canonical(socket.address().address);
  } catch (cause) {
    throw new KitError('network', 'E_NO_ROUTE', `This host has no route to ${remote}`, {
      hint: 'Check the address and the routing table (`ip route get`).',
      cause,
    });
  } finally {
    socket.close();
  }
}

class UdpPort {
  unsent = 0;
  #queuedBytes = 0;
  #closing: Promise<void> | undefined;
  /** Who sends since the socket was given away. */
  #elsewhere: SendMessage | undefined;

  private constructor(
    readonly binding: UdpBinding,
    readonly socket: Socket,
    readonly log: Log,
    /** Of a socket that may be given away. */
    readonly fd: number | undefined,
  ) {}

  static async open(
    wanted: UdpBinding,
    onDatagram: (datagram: Datagram) => void,
    log: Log,
    toGive: boolean,
  ): Promise<UdpPort> {
    const type = isIPv6(wanted.address) ? 'udp6' : 'udp4';
    const socket = createSocket({
      type,
      ipv6Only: type === 'udp6',
      reuseAddr: false,
      // Only literal addresses are sent to: no resolver, and no detour over a later tick.
      lookup: (host, _options, done) => done(null, host, type === 'udp6' ? 6 : 4),
    });
    let fd: number | undefined;
    try {
      if (toGive) fd = await openUdpDescriptor(wanted);
      const place = fd === undefined ? { address: wanted.address, port: wanted.port } : { fd };
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ ...place, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      if (fd !== undefined) await keepForUs(fd);
    } catch (cause) {
      socket.close();
      throw cause instanceof KitError ? cause : bindError(wanted, cause as NodeJS.ErrnoException);
    }
    const binding = { ...wanted, address: canonical(wanted.address), port: socket.address().port };
    const port = new UdpPort(binding, socket, log, fd);
    socket.on('error', (error) => log('debug', `UDP port ${binding.port}: ${error.message}`));
    socket.on('message', ({ buffer, byteOffset, byteLength }, from) =>
      port.#receive(new Uint8Array(buffer, byteOffset, byteLength), from, onDatagram),
    );
    port.#raiseBuffers();
    return port;
  }

  /** @returns a descriptor that is the taker's to close; undefined when the socket stays here */
  async give(send: SendMessage): Promise<number | undefined> {
    if (this.fd === undefined || this.#closing !== undefined) return undefined;
    const fd = await duplicate(this.fd);
    this.#elsewhere = send;
    this.socket.close();
    this.#closing = Promise.resolve();
    return fd;
  }

  send(parts: readonly Uint8Array[], remote: Endpoint): void {
    if (this.#elsewhere !== undefined) {
      this.#elsewhere(endpointOf(this.binding), remote, concatBytes(...parts));
      return;
    }
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (
      this.#closing !== undefined ||
      length > MAX_DATAGRAM_BYTES ||
      this.#queuedBytes + length > MAX_QUEUED_BYTES
    ) {
      this.unsent += 1;
      return;
    }
    this.#queuedBytes += length;
    try {
      this.socket.send(parts, remote.port, remote.address, (error) => {
        this.#queuedBytes -= length;
        if (error !== null) this.#refused(remote, error);
      });
    } catch (error) {
      this.#queuedBytes -= length;
      this.#refused(remote, error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.socket.close(() => resolve()));
    return this.#closing;
  }

  /** RFC 3948 2: zero marker is IKE, one byte 0xFF is a keepalive, everything else is ESP. */
  #receive(data: Uint8Array, from: Endpoint, onDatagram: (datagram: Datagram) => void): void {
    const { natT } = this.binding;
    let kind: Datagram['kind'] = 'ike';
    let body = data;
    if (natT) {
      if (data.length < NON_ESP_MARKER.length) return;
      const marked = NON_ESP_MARKER.every((byte, i) => data[i] === byte);
      if (marked) body = data.subarray(NON_ESP_MARKER.length);
      else kind = 'esp';
    }
    if (kind === 'ike' && body.length < IKE_HEADER_BYTES) return;
    const local = { address: this.binding.address, port: this.binding.port };
    const remote = { address: canonical(from.address), port: from.port };
    onDatagram({ kind, path: { local, remote, natT }, data: body });
  }

  #refused(remote: Endpoint, error: unknown): void {
    this.unsent += 1;
    const reason = error instanceof Error ? error.message : String(error);
    this.log('debug', `UDP to ${remote.address} port ${remote.port}: ${reason}`);
  }

  /** Bursts of ESP outrun the default buffer; the system may grant less or refuse. */
  #raiseBuffers(): void {
    try {
      this.socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      this.socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
    } catch (error) {
      this.log('debug', `UDP buffers stay as they are: ${String(error)}`);
    }
  }
}

function endpointOf({ address, port }: UdpBinding): Endpoint {
  return { address, port };
}

/** RFC 5952 text without zone. */
function canonical(address: string): string {
  return isIPv6(address) ? formatIp(parseIp(address.split('%', 1)[0]!)) : address;
}

function bindError({ address, port }: UdpBinding, cause: NodeJS.ErrnoException): KitError {
  const where = `UDP port ${port} of ${address}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new KitError('environment', 'E_PORT_IN_USE', `${where} is in use by another program`, {
        hint: 'Stop the other IKE daemon or choose other ports (`--port`, `--nat-port`).',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new KitError('environment', 'E_PRIVILEGE', `${where} may not be opened by this user`, {
        hint: 'Run as root, grant CAP_NET_BIND_SERVICE, or choose ports from 1024 on.',
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'ENOTFOUND':
      return new KitError('environment', 'E_ADDRESS', `This host has no address ${address}`, {
        hint: 'Choose an address that `ip address` lists.',
        cause,
      });
    default:
      return new KitError('environment', 'E_BIND', `${where} cannot be opened: ${cause.message}`, { cause });
  }
}
