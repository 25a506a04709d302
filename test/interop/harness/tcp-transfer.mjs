// One end of a TCP transfer: sends random bytes, receives to the end, prints what it sent and received.
// With TRANSFER_PAUSE it says `half` when so much is sent, and goes on at SIGUSR2.
// tcp-transfer.mjs listen ADDRESS PORT BYTES   |   tcp-transfer.mjs connect ADDRESS PORT BYTES LOCAL-ADDRESS
// Who listens takes one transfer after the other until it is ended.
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [role, address, port, bytes, localAddress] = process.argv.slice(2);

let paused = process.env.TRANSFER_PAUSE !== undefined;

/** @param {import('node:net').Socket} socket */
function exchange(socket) {
  const sent = { bytes: 0, hash: createHash('sha256') };
  const received = { bytes: 0, hash: createHash('sha256') };
  const send = () => {
    while (sent.bytes < Number(bytes)) {
      if (paused && sent.bytes >= Number(bytes) / 2) {
        console.log('half');
        return;
      }
      const chunk = randomBytes(Math.min(65536, Number(bytes) - sent.bytes));
      sent.bytes += chunk.length;
      sent.hash.update(chunk);
      if (!socket.write(chunk)) return;
    }
    socket.end();
  };
  socket.on('drain', send);
  process.once('SIGUSR2', () => {
    paused = false;
    send();
  });
  socket.on('data', (chunk) => {
    received.bytes += chunk.length;
    received.hash.update(chunk);
  });
  socket.on('close', () => {
    const side = ({ bytes, hash }) => ({ bytes, sha256: hash.digest('hex') });
    console.log(JSON.stringify({ sent: side(sent), received: side(received) }));
  });
  send();
}

/** @param {import('node:net').Socket} socket */
function report(socket) {
  socket.on('error', (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}

if (role === 'listen') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    report(socket);
    exchange(socket);
  });
  server.listen(Number(port), address, () => console.log('listening'));
} else {
  const socket = connect({ host: address, port: Number(port), localAddress, allowHalfOpen: true }, () =>
    exchange(socket),
  );
  report(socket);
}
