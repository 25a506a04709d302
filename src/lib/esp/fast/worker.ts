import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { loadEvp } from '../../crypto/evp-functions.js';
import { loadNativeIo } from '../../net/native-io.js';
import { DataPath, type DataPathHooks } from './data-path.js';
import { errorMessage, fromMessage, type PathOrder, type PathReport, type PathStart } from './messages.js';

/** A poll never lasts longer: `process.exit` in the main thread has to wait for it. */
const POLL_MS = 500;
/** IKE messages that may wait for the main thread; more are dropped, because anybody can send them. */
const MAX_IKE_WAITING = 1024;

/** Obeys orders and carries packets until it is told to close. */
async function run(port: MessagePort, start: PathStart): Promise<void> {
  const { device, sockets, policy, wake, counters, ikeWaiting } = start;
  await loadEvp();
  const io = await loadNativeIo();
  const report = (message: PathReport): void => port.postMessage(message);
  const hooks: DataPathHooks = {
    ike(local, remote, message) {
      if (Atomics.load(ikeWaiting, 0) >= MAX_IKE_WAITING) {
        path.countLostIke();
        return;
      }
      Atomics.add(ikeWaiting, 0, 1);
      report({ type: 'ike', local, remote, message });
    },
    peerMoved: (id, remote) => report({ type: 'moved', id, remote }),
    softLifetimeReached: (id, reason) => report({ type: 'lifetime', id, reason }),
    hardLifetimeReached: (id) => report({ type: 'ended', id }),
    degraded: (reason) => report({ type: 'degraded', reason }),
    pathMtu: (id, pathMtu, innerMtu) => report({ type: 'path-mtu', id, pathMtu, innerMtu }),
  };
  const path = new DataPath(io, device, sockets, wake, counters, hooks, policy);
  report({ type: 'ready' });
  try {
    for (;;) {
      if (!path.turn(POLL_MS)) continue;
      path.wakeSeen();
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
        const order = next.message as PathOrder;
        if (order.type === 'close') return;
        if (order.type === 'settle') {
          report({ type: 'settled' });
          continue;
        }
        try {
          obey(path, order);
        } catch (error) {
          // What is wrong with one pair is no reason to drop the others.
          if (!('id' in order) && !('child' in order)) throw error;
          const id = 'child' in order ? order.child.id : order.id;
          report({ type: 'refused', id, error: errorMessage(error) });
        }
      }
    }
  } finally {
    path.close();
  }
}

function obey(path: DataPath, order: Exclude<PathOrder, { type: 'settle' | 'close' }>): void {
  switch (order.type) {
    case 'install':
      path.install(fromMessage(order.child), order.counters);
      break;
    case 'replace':
      path.replace(order.oldId, fromMessage(order.child), order.sendOn, order.counters);
      break;
    case 'move':
      path.movePeer(order.id, order.path);
      break;
    case 'remove':
      path.remove(order.id);
      break;
    case 'ike':
      path.sendIke(order.local, order.remote, order.message);
      break;
    case 'raw':
      path.addRaw(order.fd, order.address);
      break;
  }
}

if (parentPort !== null) {
  const port = parentPort;
  run(port, workerData as PathStart).then(
    () => port.close(),
    (error: unknown) => {
      const failed: PathReport = { type: 'failed', error: errorMessage(error) };
      port.postMessage(failed);
      port.close();
    },
  );
}
