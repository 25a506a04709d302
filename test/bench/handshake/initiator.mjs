import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { MARKER, policyOf } from './policy.mjs';

const lib = (path) => import(new URL(`../../../dist/lib/${path}`, import.meta.url).href);
const { createInitiator } = await lib('ike/session/session.js');
const { parseIdentity } = await lib('ike/identity.js');
const { systemEntropy } = await lib('core/environment.js');

const ADDRESS = '127.0.0.1';
/** How often retransmissions are thought of, milliseconds. */
const TICK = 100;

/** Our initiator, many sessions at a time, against a responder on this host. */
export class Initiator {
  #sockets = {};
  #paths;
  /** Sessions under way by our SPI, with when they want to be woken. */
  #sessions = new Map();
  #settle;
  #clients = 0;

  /** @param ports of the responder: `ike`, and `natT` for after NAT traversal is agreed */
  static async open(ports) {
    const initiator = new Initiator();
    const path = async (natT) => {
      const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 21 });
      socket.bind(0, ADDRESS);
      await once(socket, 'listening');
      const local = { address: ADDRESS, port: socket.address().port };
      const found = { local, remote: { address: ADDRESS, port: natT ? ports.natT : ports.ike }, natT };
      socket.on('message', (data) => initiator.#receive(natT ? data.subarray(MARKER.length) : data, found));
      initiator.#sockets[natT] = socket;
      return found;
    };
    initiator.#paths = { path: await path(false), natPath: await path(true) };
    return initiator;
  }

  /**
   * Makes so many IKE SAs with a child SA each, `together` at a time, and forgets them.
   * @throws Error when one fails
   */
  async make(count, group, together) {
    const policy = policyOf('client', [group]);
    let begun = 0;
    let made = 0;
    const begin = () => {
      begun += 1;
      this.#clients += 1;
      // A client that came back would end what it had.
      const localId = parseIdentity(`client${this.#clients}.test`);
      const session = createInitiator({ ...policy, localId }, this.#paths, systemEntropy);
      this.#act(session, session.handle({ type: 'command', command: { type: 'initiate' } }, Date.now()));
    };
    const tick = setInterval(() => this.#wake(), TICK);
    try {
      await new Promise((resolve, reject) => {
        this.#settle = (error) => {
          if (error !== undefined) return reject(error);
          made += 1;
          if (begun < count) begin();
          if (made === count) resolve();
        };
        for (let i = 0; i < Math.min(together, count); i++) begin();
      });
    } finally {
      clearInterval(tick);
      this.#sessions.clear();
    }
  }

  close() {
    for (const socket of Object.values(this.#sockets)) socket.close();
  }

  #receive(data, path) {
    if (data.length < 8) return;
    const entry = this.#sessions.get(data.readBigUInt64BE(0));
    if (entry === undefined) return;
    this.#act(entry.session, entry.session.handle({ type: 'datagram', path, data }, Date.now()));
  }

  #wake() {
    const now = Date.now();
    for (const { session, wakeAt } of [...this.#sessions.values()]) {
      if (wakeAt <= now) this.#act(session, session.handle({ type: 'timeout' }, now));
    }
  }

  #act(session, { send, events, wakeAt = Number.POSITIVE_INFINITY }) {
    for (const spi of session.ownSpis) this.#sessions.set(spi, { session, wakeAt });
    for (const { path, data } of send) {
      const message = path.natT ? [MARKER, data] : data;
      this.#sockets[path.natT].send(message, path.remote.port, path.remote.address);
    }
    for (const event of events) {
      if (event.type === 'ike-sa-deleted' || event.type === 'child-sa-failed') {
        this.#settle(event.error ?? new Error(`an IKE SA was ${event.reason}`));
      }
      if (event.type !== 'child-sa-established') continue;
      for (const spi of session.ownSpis) this.#sessions.delete(spi);
      this.#settle();
    }
  }
}
