import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { concatBytes } from '../core/bytes.js';
import type { Path } from '../core/endpoint.js';
import { KitError } from '../core/errors.js';
import { formatIp, parseIp } from '../core/ip.js';
import type { ProbeTransport, TransportError } from './transport.js';

/** Marks IKE on the NAT-T port (RFC 3948 2.2). */
const NON_ESP_MARKER = new Uint8Array(4);

export interface UdpTarget {
  /** IP address, no name. */
  address: string;
  port: number;
  /** The framing of RFC 3948 applies. */
  natT: boolean;
  /** Where datagrams leave from; undefined: the system chooses. Several sockets may share one. */
  sourcePort: number | undefined;
}

/**
 * A connected UDP socket: only the target's datagrams come in, and the system reports ICMP errors.
 * @throws {KitError} environment `E_PRIVILEGE`, `E_PORT_IN_USE`, `E_BIND` of the socket; network `E_NO_ROUTE` of the way
 * to the target, whatever the system says against it
 */
export async function openUdpTransport(target: UdpTarget): Promise<ProbeTransport> {
  const type = isIPv6(target.address) ? 'udp6' : 'udp4';
  const socket = createSocket({ type, reuseAddr: target.sourcePort !== undefined });
  let report = (_error: TransportError): void => {};
  let take = (_message: Uint8Array): void => {};
  try {
    await bound(socket, target).catch((cause: NodeJS.ErrnoException) => {
      throw bindError(target, cause);
    });
    await connected(socket, target).catch((cause: NodeJS.ErrnoException) => {
      throw routeError(target, cause);
    });
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error: NodeJS.ErrnoException) => report(errorOf(error)));
  socket.on('message', ({ buffer, byteOffset, byteLength }) => {
    const data = new Uint8Array(buffer, byteOffset, byteLength);
    const message = target.natT ? withoutMarker(data) : data;
    if (message !== undefined) take(message);
  });
  let closed: Promise<void> | undefined;
  return {
    path: pathOf(socket, target),
    send(message) {
      if (closed !== undefined) return;
      socket.send(target.natT ? concatBytes(NON_ESP_MARKER, message) : message, (error) => {
        if (error !== null) report(errorOf(error));
      });
    },
    onReply(handler) {
      take = handler;
    },
    onError(handler) {
      report = handler;
    },
    close() {
      closed ??= new Promise((resolve) => socket.close(() => resolve()));
      return closed;
    },
  };
}

/** ESP and keepalives on the NAT-T port are nobody's answer to a question. */
function withoutMarker(data: Uint8Array): Uint8Array | undefined {
  const isMarked = data.length > NON_ESP_MARKER.length && NON_ESP_MARKER.every((byte, i) => data[i] === byte);
  return isMarked ? data.subarray(NON_ESP_MARKER.length) : undefined;
}

function pathOf(socket: Socket, { address, port, natT }: UdpTarget): Path {
  const local = socket.address();
  return {
    local: { address: canonical(local.address), port: local.port },
    remote: { address: canonical(address), port },
    natT,
  };
}

/** RFC 5952 text without zone. */
function canonical(address: string): string {
  return formatIp(parseIp(address.split('%', 1)[0]!));
}

function errorOf({ code }: NodeJS.ErrnoException): TransportError {
  return code === 'ECONNREFUSED' ? 'closed' : 'unreachable';
}

function bound(socket: Socket, { sourcePort }: UdpTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port: sourcePort ?? 0, exclusive: true }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

/** The callback takes the error too, which Node's types do not say. */
function connected(socket: Socket, { address, port }: UdpTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (...[error]: (NodeJS.ErrnoException | null | undefined)[]): void =>
      error ? reject(error) : resolve();
    socket.connect(port, address, done);
  });
}

function bindError({ address, sourcePort }: UdpTarget, cause: NodeJS.ErrnoException): KitError {
  const port = `UDP port ${sourcePort}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new KitError('environment', 'E_PORT_IN_USE', `${port} is in use by another program`, {
        hint: 'Leave --source-port out: any other port does for most gateways.',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new KitError('environment', 'E_PRIVILEGE', `${port} may not be opened by this user`, {
        hint: 'Leave --source-port out, or run as root or with CAP_NET_BIND_SERVICE.',
        cause,
      });
    default:
      return new KitError(
        'environment',
        'E_BIND',
        `No socket for ${address} can be opened: ${cause.message}`,
        { cause },
      );
  }
}

/** EACCES is said of broadcast addresses and prohibited ones, EINVAL of black holes and link-local ones without zone. */
function routeError({ address }: UdpTarget, cause: NodeJS.ErrnoException): KitError {
  const why = cause.code === undefined ? '' : ` (${cause.code})`;
  return new KitError('network', 'E_NO_ROUTE', `This host has no route to ${address}${why}`, {
    hint: 'Check the address and the routing table (`ip route get`).',
    cause,
  });
}
