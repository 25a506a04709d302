import { type ChildProcess, spawn } from 'node:child_process';
import { KitError } from '../../core/errors.js';
import { openTun } from '../../net/tun-device.js';
import { EventProcess, endProcess, runProgram } from './child-process.js';
import { type DemoRole, type PeerMessage, type PeerRequest, tellParent } from './messages.js';
import { startPinger } from './pinger.js';
import { Recorder } from './recorder.js';
import { eventually, generatePsk, scene } from './scene.js';
import { measureStreams } from './throughput.js';
import { transfer } from './transfer.js';

/** How our own command is started again: program and arguments before the command's name. */
export type SelfCommand = readonly string[];

/** The role flag of `demo` that only the demonstration itself uses. */
export const roleFlag = (role: DemoRole): string[] => ['demo', '--role', role];

/**
 * The demonstration, run by a process that is root in user and network namespaces of its own. Reports to the parent by
 * messages; ends, with everything it started, when the parent is gone.
 */
export async function runInside(self: SelfCommand): Promise<void> {
  const started: ChildProcess[] = [];
  const cleanUp = async (): Promise<void> => {
    for (const child of started.reverse()) await endProcess(child);
  };
  process.once('disconnect', () => void cleanUp().finally(() => process.exit()));
  const obstacle = await findObstacle();
  if (obstacle !== undefined) {
    tellParent({ type: 'obstacle', code: obstacle.code, message: obstacle.message, hint: obstacle.hint });
  } else {
    const recorder = new Recorder('namespaces', (step) => tellParent({ type: 'step', step }));
    try {
      await perform(self, recorder, started);
    } catch (error) {
      recorder.problem(error instanceof KitError ? error.message : `Internal error: ${String(error)}`);
    }
    await cleanUp();
    tellParent({ type: 'report', report: recorder.finish() });
  }
  process.disconnect?.();
}

/** Tries what the demonstration needs: a TUN device, a veth pair. Only doing it tells whether it is allowed. */
async function findObstacle(): Promise<KitError | undefined> {
  try {
    const device = await openTun({ mtu: 1400 });
    await device.close();
    await runProgram(['ip', 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']);
    await runProgram(['ip', 'link', 'delete', 'probe0']);
    return undefined;
  } catch (error) {
    if (error instanceof KitError) return error;
    throw error;
  }
}

async function perform(self: SelfCommand, recorder: Recorder, started: ChildProcess[]): Promise<void> {
  recorder.stage('two hosts: a network namespace each, joined by a veth pair');
  const peer = await startPeer(self, started);
  const inServer = ['nsenter', '--target', String(peer.pid), '--net', '--'];
  await buildNetwork(peer.pid, inServer);

  const psk = generatePsk();
  recorder.stage('server: ipsec-kit serve');
  const server = new EventProcess([...inServer, ...self, ...serveArguments()], psk);
  started.push(server.child);
  await server.waitFor('listening', 10_000);
  const peerServes = peerAnswer(peer, 'serving');
  peer.send({ type: 'serve', address: scene.innerHost } satisfies PeerRequest);
  await peerServes;

  recorder.stage('client: ipsec-kit connect');
  const client = new EventProcess([...self, ...connectArguments()], psk, (event) =>
    recorder.clientEvent(event),
  );
  started.push(client.child);
  await client.waitFor('child-sa-established', 20_000);
  await client.waitFor('device-up', 5000);

  await sendTraffic(recorder, peer, started);
  recorder.stage(`throughput: one TCP stream for ${scene.measureMs / 1000} s up, then one down`);
  const rates = await measureStreams();
  client.child.kill('SIGUSR1');
  const { plane } = await client.waitFor('stats', 5000);
  recorder.throughput({ plane, traffic: 'tcp', ...rates });

  recorder.stage('tear-down: the client is asked to leave');
  await client.end();
  await server.waitFor('ike-sa-deleted', 5000);
  await server.end();
  await checkNothingLeft(recorder, inServer);
}

async function sendTraffic(recorder: Recorder, peer: ChildProcess, started: ChildProcess[]): Promise<void> {
  const pinger = await startPinger(started);
  recorder.stage(
    `traffic: ${pinger.name} every ${scene.pingIntervalMs} ms, ${scene.transferBytes / 1e6} MB over TCP and back`,
  );
  try {
    const digest = peerAnswer(peer, 'digest');
    const { bytes, sent, echoed } = await transfer(scene.transferMs * 2 + 5000);
    const received = (await digest).hex;
    const equal = sent === received && received === echoed;
    recorder.transfer(bytes, equal);
    recorder.fact(
      `SHA-256 sent ${sent.slice(0, 16)}…, received ${received.slice(0, 16)}…, echoed ${echoed.slice(0, 16)}…`,
    );
    await eventually(() => recorder.rekeys.ike > 0 && recorder.rekeys.child > 0, 5000);
  } finally {
    const { sent, lost } = await pinger.stop();
    recorder.pings(sent, lost);
    recorder.fact(`${sent} pings sent, ${lost} lost`);
  }
}

/** Starts the host behind the server in a namespace of its own. */
async function startPeer(
  self: SelfCommand,
  started: ChildProcess[],
): Promise<ChildProcess & { pid: number }> {
  const peer = spawn('unshare', ['--net', ...self, ...roleFlag('peer')], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  started.push(peer);
  await peerAnswer(peer, 'ready');
  return Object.assign(peer, { pid: peer.pid! });
}

/** The next message of that type. */
function peerAnswer<Type extends PeerMessage['type']>(
  peer: ChildProcess,
  type: Type,
): Promise<Extract<PeerMessage, { type: Type }>> {
  return new Promise((resolve, reject) => {
    peer.on('message', (message: PeerMessage) => {
      if (message.type === type) resolve(message as Extract<PeerMessage, { type: Type }>);
    });
    const gone = (): void => reject(new KitError('bug', 'E_DEMO', 'The host behind the server went away.'));
    peer.once('exit', gone);
    peer.once('error', gone);
  });
}

async function buildNetwork(peerPid: number, inServer: readonly string[]): Promise<void> {
  const { clientAddress, serverAddress, outerPrefix, innerHost } = scene;
  await runProgram(['ip', 'link', 'add', 'outer0', 'type', 'veth', 'peer', 'name', 'outer1']);
  await runProgram(['ip', 'link', 'set', 'outer1', 'netns', String(peerPid)]);
  await runProgram(['ip', 'link', 'set', 'lo', 'up']);
  await runProgram(['ip', 'address', 'add', `${clientAddress}/${outerPrefix}`, 'dev', 'outer0']);
  await runProgram(['ip', 'link', 'set', 'outer0', 'up']);
  await runProgram([...inServer, 'ip', 'link', 'set', 'lo', 'up']);
  await runProgram([...inServer, 'ip', 'address', 'add', `${serverAddress}/${outerPrefix}`, 'dev', 'outer1']);
  await runProgram([...inServer, 'ip', 'link', 'set', 'outer1', 'up']);
  await runProgram([...inServer, 'ip', 'address', 'add', `${innerHost}/24`, 'dev', 'lo']);
}

/** After the tunnel nothing but the two ends of the veth pair and loopback may be there. */
async function checkNothingLeft(recorder: Recorder, inServer: readonly string[]): Promise<void> {
  const places = [
    { name: 'client', prefix: [], outer: 'outer0' },
    { name: 'server', prefix: inServer, outer: 'outer1' },
  ];
  let clean = true;
  for (const { name, prefix, outer } of places) {
    const links = await runProgram([...prefix, 'ip', '-oneline', 'link', 'show']);
    const routes = await runProgram([...prefix, 'ip', 'route', 'show']);
    const devices = [...links.matchAll(/^\d+: ([^:@]+)/gm)].map(([, device]) => device ?? '');
    const left = [
      ...devices.filter((device) => device !== 'lo' && device !== outer),
      ...routes.split('\n').filter((route) => route !== '' && !route.includes(`dev ${outer} `)),
    ];
    if (left.length > 0) {
      clean = false;
      recorder.problem(`The ${name} left behind: ${left.join(', ')}`);
    }
  }
  if (clean) recorder.fact('no device and no route left on either host');
}

function serveArguments(): string[] {
  return [
    'serve',
    ...['--listen', scene.serverAddress, '--local-id', scene.serverId, '--remote-id', scene.clientId],
    ...['--local-ts', scene.innerNetwork, '--pool', scene.pool],
    ...['--rekey-ike', '0', '--rekey-child', '0', '--psk-stdin', '--format', 'ndjson'],
  ];
}

function connectArguments(): string[] {
  return [
    'connect',
    scene.serverAddress,
    ...['--local-id', scene.clientId, '--remote-id', scene.serverId, '--remote-ts', scene.innerNetwork],
    ...['--rekey-ike', `${scene.rekeyIkeMs}ms`, '--rekey-child', `${scene.rekeyChildMs}ms`],
    ...['--psk-stdin', '--format', 'ndjson'],
  ];
}
