// A NAT in one process, on a path as bad as one likes: udp-relay.mjs LISTEN-ADDRESS OUTER-ADDRESS GATEWAY SEED FAULTS
// Takes datagrams for ports 500 and 4500 at LISTEN-ADDRESS and sends them on to GATEWAY from ports of its own at
// OUTER-ADDRESS; what comes back goes to whoever wrote last. SIGHUP changes the ports on the outer side, as happens
// when a NAT has lost its mapping. FAULTS: those of disturber.mjs as JSON. SIGUSR2 prints what became of the datagrams
// of each SA, by its SPI, as JSON.
import { createSocket } from 'node:dgram';
import { Disturber, generator } from './disturber.mjs';

const [listen, outer, gateway, seed, words] = process.argv.slice(2);
const faults = JSON.parse(words);
const next = generator(Number(seed));

function open(address, port = 0) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.on('error', (error) => console.error(error.message));
  return new Promise((resolve) => socket.bind(port, address, () => resolve(socket)));
}

const mappings = await Promise.all(
  [500, 4500].map(async (port) => {
    const inside = await open(listen, port);
    const mapping = { client: undefined, outside: undefined };
    const [toClient, toGateway] = [new Disturber(faults, next), new Disturber(faults, next)];
    const renew = async () => {
      const fresh = await open(outer);
      fresh.on('message', (data) => {
        if (mapping.client === undefined) return;
        const { port: there, address } = mapping.client;
        for (const each of toClient.pass(data)) inside.send(each, there, address);
      });
      mapping.outside?.close();
      mapping.outside = fresh;
    };
    await renew();
    inside.on('message', (data, client) => {
      mapping.client = client;
      for (const each of toGateway.pass(data)) mapping.outside.send(each, port, gateway);
    });
    return { port, renew, counts: () => ({ ...toClient.counts, ...toGateway.counts }) };
  }),
);

console.log('ready');
process.on('SIGHUP', async () => {
  await Promise.all(mappings.map(({ renew }) => renew()));
  console.log('moved');
});
process.on('SIGUSR2', () => console.log(JSON.stringify(mappings.find(({ port }) => port === 4500).counts())));
