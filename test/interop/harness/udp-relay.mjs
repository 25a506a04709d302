// A NAT in one process: udp-relay.mjs LISTEN-ADDRESS OUTER-ADDRESS GATEWAY LOSS-PERCENT LARGEST SEED
// Takes datagrams for ports 500 and 4500 at LISTEN-ADDRESS and sends them on to GATEWAY from ports of its own at
// OUTER-ADDRESS; what comes back goes to whoever wrote last. SIGHUP changes the ports on the outer side, as happens
// when a NAT has lost its mapping. LOSS-PERCENT of the datagrams vanish, the same ones for the
// same SEED, and all that are larger than LARGEST bytes of UDP payload, as on paths that drop IP fragments.
import { createSocket } from 'node:dgram';

const [listen, outer, gateway, loss, largest, seed] = process.argv.slice(2);
let state = Number(seed);
/** A small generator with a fixed seed (Park and Miller): runs can be repeated. */
const lost = (data) => {
  if (data.length > Number(largest)) return true;
  state = (state * 48271) % 2147483647;
  return state % 100 < Number(loss);
};

function open(address, port = 0) {
  const socket = createSocket('udp4');
  socket.on('error', (error) => console.error(error.message));
  return new Promise((resolve) => socket.bind(port, address, () => resolve(socket)));
}

const mappings = await Promise.all(
  [500, 4500].map(async (port) => {
    const inside = await open(listen, port);
    const mapping = { client: undefined, outside: undefined };
    const renew = async () => {
      const fresh = await open(outer);
      fresh.on('message', (data) => {
        if (mapping.client && !lost(data)) inside.send(data, mapping.client.port, mapping.client.address);
      });
      mapping.outside?.close();
      mapping.outside = fresh;
    };
    await renew();
    inside.on('message', (data, client) => {
      mapping.client = client;
      if (!lost(data)) mapping.outside.send(data, port, gateway);
    });
    return { renew };
  }),
);

console.log('ready');
process.on('SIGHUP', async () => {
  await Promise.all(mappings.map(({ renew }) => renew()));
  console.log('moved');
});
