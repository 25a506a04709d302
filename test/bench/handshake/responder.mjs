/**
 * Our responder in a process of its own. It says its ports, answers the message `cpu` with the microseconds of processor
 * time it has used, and ends with its parent.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { GROUPS, MARKER, policyOf } from './policy.mjs';

const lib = (path) => import(new URL(`../../../dist/lib/${path}`, import.meta.url).href);
const { createListener } = await lib('ike/session/listener.js');
const { systemEntropy } = await lib('core/environment.js');

const many = 1_000_000;
const limits = { cookieThreshold: many, maxHalfOpen: many, maxHalfOpenPerAddress: many };
const listener = createListener(policyOf('server', GROUPS), limits, systemEntropy);

async function listen(natT) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 21 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const local = { address: '127.0.0.1', port: socket.address().port };
  socket.on('message', (data, { address, port }) => {
    const path = { local, remote: { address, port }, natT };
    const message = natT ? data.subarray(MARKER.length) : data;
    const { send } = listener.handle({ type: 'datagram', path, data: message }, Date.now());
    for (const { data: answer } of send) socket.send(natT ? [MARKER, answer] : answer, port, address);
  });
  return local.port;
}

const ports = { ike: await listen(false), natT: await listen(true) };
// Forgets half-open SAs that came to nothing. All others stay, as with any gateway.
setInterval(() => listener.handle({ type: 'timeout' }, Date.now()), 10_000).unref();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit());
process.send({ ports });
