import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Path } from '../../src/lib/core/endpoint.js';
import { systemEntropy } from '../../src/lib/core/environment.js';
import { parseProposals } from '../../src/lib/ike/proposals.js';
import { createListener } from '../../src/lib/ike/session/listener.js';
import { generousLimits, serverPolicy } from '../sim/world.js';
import { type Ikev1GatewayOptions, ikev1Gateway } from '../unit/probe/v1-gateway.js';
import { bin, cleanEnvironment } from './run.js';

/** Version 1.0 in the header's octet 17 (RFC 2408 3.1). */
const IKEV1 = 0x10;

/** Something that listens on a UDP port of this host. */
export interface Gateway {
  address: string;
  port: number;
  /** Datagrams that came. */
  readonly heard: number;
  /** The first one came. */
  readonly first: Promise<void>;
  close(): void;
}

/** Our own responder on loopback, accepting these proposals, and perhaps IKEv1. It has no second port. */
export async function startGateway(ike: string, ikev1?: Ikev1GatewayOptions): Promise<Gateway> {
  const policy = serverPolicy({ ikeProposals: parseProposals(ike, 1) });
  const listener = createListener(policy, generousLimits, systemEntropy);
  const old = ikev1 && ikev1Gateway(ikev1);
  return startResponder('127.0.0.1', (data, path, send) => {
    if (old && data[17] === IKEV1) {
      for (const reply of old.handle(data)) send(reply);
      return;
    }
    const step = (output: ReturnType<typeof listener.handle>): void => {
      for (const { data: reply } of output.send) send(reply);
      for (const { session, task } of output.tasks) {
        Promise.resolve(task.run()).then(
          (value) =>
            step(
              listener.handle(
                { type: 'task', session, id: task.id, outcome: { ok: true, value } },
                Date.now(),
              ),
            ),
          (error: unknown) =>
            step(
              listener.handle(
                { type: 'task', session, id: task.id, outcome: { ok: false, error } },
                Date.now(),
              ),
            ),
        );
      }
    };
    step(listener.handle({ type: 'datagram', path, data }, Date.now()));
  });
}

/** A socket that answers as it is told. */
export async function startResponder(
  address: string,
  answer: (data: Uint8Array, path: Path, send: (reply: Uint8Array) => void) => void,
): Promise<Gateway> {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  let heard = 0;
  const first = once(socket, 'message').then(() => {});
  // A socket that is closed before it hears anything.
  first.catch(() => {});
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  socket.on('message', (data, from) => {
    heard += 1;
    const path = {
      local: { address, port },
      remote: { address: from.address, port: from.port },
      natT: false,
    };
    answer(data, path, (reply) => socket.send(reply, from.port, from.address));
  });
  return {
    address,
    port,
    get heard() {
      return heard;
    },
    first,
    close: () => socket.close(),
  };
}

/** A port on which nobody listens, as far as can be told. */
export async function freePort(): Promise<number> {
  const { port, close } = await startResponder('127.0.0.1', () => {});
  close();
  return port;
}

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command beside the gateways of this process. */
export function probe(
  args: readonly string[],
  options: { input?: string; onStart?: (child: ReturnType<typeof spawn>) => void } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [bin, 'probe', ...args], {
    env: cleanEnvironment(),
    stdio: 'pipe',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  options.onStart?.(child);
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
