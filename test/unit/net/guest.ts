/**
 * Runs inside a user and network namespace of its own: `guest.ts ACTION`. Prints one line of JSON and has to leave by
 * itself: no action calls `process.exit`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KitError } from '../../../src/lib/core/errors.js';
import {
  addAddress,
  addRoute,
  removeRoute,
  removeRouteCommand,
  routeBeside,
  routeTo,
  setUp,
} from '../../../src/lib/net/ip-command.js';
import { checkTun } from '../../../src/lib/net/tun-descriptor.js';
import { openTun, type TunDevice } from '../../../src/lib/net/tun-device.js';
import { localAddressFor } from '../../../src/lib/net/udp.js';
import { openUndo } from '../../../src/lib/net/undo.js';

const run = promisify(execFile);
const route = { to: '10.77.0.0/16', device: 'lo' };

/** Answers the echo requests that come out of a device; returns how many. */
function answerEchoes(device: TunDevice): { answered: number } {
  const seen = { answered: 0 };
  device.onPacket = (packet) => {
    const six = packet[0]! >> 4 === 6;
    const icmp = six ? 40 : 20;
    const isRequest = six ? packet[6] === 58 && packet[icmp] === 128 : packet[9] === 1 && packet[icmp] === 8;
    if (!isRequest) return;
    const [from, size] = six ? [8, 16] : [12, 4];
    const reply = packet.slice();
    reply.set(packet.subarray(from + size, from + 2 * size), from);
    reply.set(packet.subarray(from, from + size), from + size);
    reply[icmp] = six ? 129 : 0;
    // Only the type changed, so the one's complement checksum changes by as much.
    const view = new DataView(reply.buffer, icmp + 2, 2);
    const sum = view.getUint16(0) + (six ? -0x100 : 0x800);
    view.setUint16(0, sum > 0xffff ? sum - 0xffff : sum < 0 ? sum + 0xffff : sum);
    if (device.write(reply)) seen.answered += 1;
  };
  return seen;
}

async function routes(): Promise<string> {
  return (await run('ip', ['route'])).stdout;
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return 'no error';
  } catch (error) {
    return error instanceof KitError ? error.code : String(error);
  }
}

/** A line that a child prints. */
async function line(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout!, 'data')) as [Buffer];
  return data.toString().trim();
}

function spawnSelf(action: string, detached = false): ChildProcess {
  const argv = ['--import', 'tsx', import.meta.filename, action];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], detached });
}

/** Waits for the route to go; the test's own timeout is the limit. */
async function untilRouteIsGone(): Promise<void> {
  while ((await routes()).includes('10.77.0.0/16')) await delay(20);
}

const actions: Record<string, () => Promise<unknown>> = {
  async probe() {
    const device = await openTun({ mtu: 1400 });
    await device.close();
    return {};
  },

  async 'tun-ping'() {
    const device = await openTun({ name: 'esp-test', mtu: 1380 });
    const echoes = answerEchoes(device);
    await setUp(device.name);
    await addAddress(device.name, '10.9.0.1/24');
    await addAddress(device.name, 'fd00:9::1/64');
    await run('ping', ['-c', '3', '-i', '0.05', '-W', '5', '-s', '1300', '10.9.0.2']);
    await run('ping', ['-c', '2', '-i', '0.05', '-W', '5', 'fd00:9::2']);
    const { stdout } = await run('ip', ['-json', 'link', 'show', 'esp-test']);
    const [link] = JSON.parse(stdout) as { mtu: number }[];
    await device.close();
    const left = await codeOf(run('ip', ['link', 'show', 'esp-test']));
    return { answered: echoes.answered, mtu: link?.mtu, dropped: device.dropped, gone: left !== 'no error' };
  },

  async 'tun-idle-close'() {
    const first = await openTun({ mtu: 1400 });
    const second = await openTun({ mtu: 1400 });
    await setUp(first.name);
    await delay(100);
    await Promise.all([first.close(), first.close(), second.close()]);
    return { names: [first.name, second.name], writes: first.write(new Uint8Array(20)) };
  },

  async 'tun-down'() {
    const device = await openTun({ mtu: 1400 });
    const packet = new Uint8Array(20).fill(0x45, 0, 1);
    const taken = [
      device.write(packet),
      device.write(new Uint8Array(0)),
      device.write(new Uint8Array(70_000)),
    ];
    await device.close();
    return { taken, dropped: device.dropped };
  },

  async 'tun-gone'() {
    const device = await openTun({ mtu: 1400 });
    const failed = new Promise<string>((resolve) => {
      device.onError = (error) => resolve(error instanceof KitError ? error.code : error.message);
    });
    await setUp(device.name);
    await run('ip', ['link', 'delete', device.name]);
    const code = await failed;
    await device.close();
    return { code };
  },

  async 'tun-busy'() {
    const device = await openTun({ name: 'esp-test', mtu: 1400 });
    const code = await codeOf(openTun({ name: 'esp-test', mtu: 1400 }));
    await device.close();
    return { code };
  },

  async 'send-flood'() {
    const socket = createSocket('udp4');
    const payload = new Uint8Array(1000);
    for (;;) {
      for (let i = 0; i < 100; i++) socket.send(payload, 9, '10.9.0.2', () => {});
      await nextTurn();
    }
  },

  async 'tun-flood'() {
    const device = await openTun({ mtu: 1400 });
    let packets = 0;
    device.onPacket = () => {
      packets += 1;
    };
    await setUp(device.name);
    await addAddress(device.name, '10.9.0.1/24');
    const flood = spawnSelf('send-flood');
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 1);
    while (packets < 2000 || ticks < 20) await delay(5);
    clearInterval(timer);
    flood.kill();
    await device.close();
    return { packets, ticks };
  },

  async 'raw-esp'() {
    const { rawEsp } = await import('./raw-guest.js');
    return rawEsp();
  },

  async 'route-beside'() {
    const [inside, outside] = [await openTun({ name: 'inside', mtu: 1400 }), await openTun({ mtu: 1400 })];
    await setUp(inside.name);
    await setUp(outside.name);
    await addAddress(outside.name, '192.0.2.1/24');
    for (const to of ['0.0.0.0/1', '128.0.0.0/1', '203.0.113.0/24']) {
      await addRoute({ to, device: inside.name });
    }
    const none = await codeOf(routeBeside(inside.name, '203.0.113.7'));
    await addRoute({ to: '0.0.0.0/0', device: outside.name, via: '192.0.2.9', metric: 9 });
    await addRoute({ to: '0.0.0.0/0', device: outside.name, via: '192.0.2.8', metric: 8 });
    const byDefault = await routeBeside(inside.name, '203.0.113.7');
    await run('ip', ['route', 'add', 'unreachable', '203.0.113.0/28']);
    const hops = ['nexthop', 'via', '192.0.2.6', 'nexthop', 'via', '192.0.2.5'];
    await run('ip', ['route', 'add', '203.0.112.0/20', ...hops]);
    const byPrefix = await routeBeside(inside.name, '203.0.113.7');
    const onLink = await routeBeside(inside.name, '192.0.2.77');
    await addRoute({ to: '203.0.113.7/32', device: outside.name, via: '192.0.2.4' });
    const byHost = await routeBeside(inside.name, '203.0.113.7');
    const name = outside.name;
    await Promise.all([inside.close(), outside.close()]);
    return { name, none, byDefault, byPrefix, onLink, byHost };
  },

  async 'no-route'() {
    await setUp('lo');
    return { local: await codeOf(localAddressFor('192.0.2.1')), asked: await codeOf(routeTo('192.0.2.1')) };
  },

  async 'ip-command'() {
    const device = await openTun({ name: 'esp-test', mtu: 1400 });
    await setUp(device.name, 1300);
    await addAddress(device.name, '10.9.0.1/24');
    await addAddress(device.name, 'fd00:9::1/64');
    const nearby = { device: device.name, via: '10.9.0.2', source: '10.9.0.1', metric: 7 };
    const added = { to: '192.0.2.0/24', ...nearby };
    await addRoute(added);
    const twice = await codeOf(addRoute(added));
    const found = await routeTo('192.0.2.9');
    const six = await routeTo('fd00:9::7');
    await addRoute({ to: '198.51.100.0/24', ...nearby, mtu: 1200 });
    const narrow = await routeTo('198.51.100.9');
    await removeRoute(added);
    const after = await codeOf(routeTo('192.0.2.9'));
    const { stdout } = await run('ip', ['-json', 'link', 'show', 'esp-test']);
    const [link] = JSON.parse(stdout) as { mtu: number }[];
    await device.close();
    return { twice, found, six, narrow, after, mtu: link?.mtu };
  },

  /** Guards a route and stays, for the actions below to kill. */
  async 'hold-route'() {
    const undo = openUndo();
    undo.add(removeRouteCommand(route));
    await addRoute(route);
    process.stdout.write('ready\n');
    await delay(3_600_000);
  },

  async 'undo-killed'() {
    await setUp('lo');
    const child = spawnSelf('hold-route');
    await line(child);
    const before = (await routes()).includes('10.77.0.0/16');
    child.kill('SIGKILL');
    await untilRouteIsGone();
    return { before };
  },

  async 'undo-interrupted'() {
    await setUp('lo');
    const child = spawnSelf('hold-route', true);
    await line(child);
    // As the terminal does it: to the whole process group.
    process.kill(-child.pid!, 'SIGINT');
    await untilRouteIsGone();
    return {};
  },

  async 'tun-kept'() {
    const { keptDevices } = await import('./kept-device-guest.js');
    return keptDevices();
  },

  async 'tun-check'() {
    await run('ip', ['tuntap', 'add', 'kept0', 'mode', 'tun']);
    const names = ['lo', 'kept0', 'free0', 'no/name'];
    const codes = [await codeOf(checkTun())];
    for (const name of names) codes.push(await codeOf(checkTun(name)));
    return codes;
  },

  async 'no-privilege'() {
    return {
      tun: await codeOf(openTun({ mtu: 1400 })),
      check: await codeOf(checkTun()),
      route: await codeOf(addRoute(route)),
    };
  },
};

const result = await actions[process.argv[2]!]!();
process.stdout.write(`${JSON.stringify(result)}\n`);
