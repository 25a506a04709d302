/**
 * Our responder in a process of its own. It says its ports, answers the message `cpu` with the microseconds of processor
 * time it has used, and ends with its parent.
 */
import { GROUPS, policyOf } from './policy.mjs';

const lib = (path) => import(new URL(`../../../dist/lib/${path}`, import.meta.url).href);
const { createListener } = await lib('ike/session/listener.js');
const { systemEntropy } = await lib('core/environment.js');
const { openUdp } = await lib('net/udp.js');

const many = 1_000_000;
const limits = { cookieThreshold: many, maxHalfOpen: many, maxHalfOpenPerAddress: many };
const listener = createListener(policyOf('server', GROUPS), limits, systemEntropy);

const address = '127.0.0.1';
const sockets = await openUdp(
  [false, true].map((natT) => ({ address, port: 0, natT })),
  ({ path, data }) => {
    const { send } = listener.handle({ type: 'datagram', path, data }, Date.now());
    for (const answer of send) sockets.send(answer.path, answer.data);
  },
  () => {},
);
const [ike, natT] = sockets.bindings.map(({ port }) => port);
// Forgets half-open SAs that came to nothing. All others stay, as with any gateway.
setInterval(() => listener.handle({ type: 'timeout' }, Date.now()), 10_000).unref();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit());
process.send({ ports: { ike, natT } });
