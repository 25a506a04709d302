import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOSTS } from './wire.mjs';

/** What is measured, in this order; keys of the results. */
export const STREAMS = {
  up: { flags: [] },
  down: { flags: ['-R'] },
  four: { flags: ['-P', '4'] },
  udp1372: { flags: ['-u', '-b', '0', '-l', '1372'] },
  udp64: { flags: ['-u', '-b', '0', '-l', '64'] },
};
const PORT = '5201';
/** USER_HZ: what /proc counts in, on every Linux that Node runs on. */
const TICKS = 100;

/** Processor time of a process and all its threads, seconds. */
function cpuSeconds(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the name in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

async function iperf(wire, flags, seconds) {
  const { client, server } = HOSTS;
  const listener = wire.start('server', [
    'iperf3',
    '-s',
    '-1',
    '-B',
    server.inner,
    '-p',
    PORT,
    '--forceflush',
  ]);
  try {
    await listener.prints('Server listening');
    const ends = ['-c', server.inner, '-B', client.inner, '-p', PORT];
    const run = wire.start('client', ['iperf3', ...ends, '-t', String(seconds), '-J', ...flags]);
    const late = setTimeout(() => run.stop('SIGKILL'), (seconds + 20) * 1000);
    await run.ended;
    clearTimeout(late);
    let result;
    try {
      result = JSON.parse(run.stdout);
    } catch {
      throw new Error(`iperf3 did not end in time or said: ${run.output.slice(-200)}`);
    }
    if (result.error) throw new Error(`iperf3: ${result.error}`);
    return result.end;
  } finally {
    await listener.stop('SIGKILL');
  }
}

/**
 * Datagrams that found the buffer of their socket full since the host began: those of iperf3, not those of the tunnel's
 * own sockets, which outlive a stream and so can be told apart.
 */
function overflows(pid) {
  const read = (name) => readFileSync(`/proc/${pid}/net/${name}`, 'utf8').trim().split('\n');
  const [names, values] = read('snmp')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.split(' '));
  const all = Number(values[names.indexOf('RcvbufErrors')]);
  // The last column of each socket is what it dropped.
  const sockets = ['udp', 'udp6'].flatMap((name) => read(name).slice(1));
  const ofTunnel = sockets.reduce((sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)), 0);
  return all - ofTunnel;
}

/** Packets a second: those that came through the tunnel, and those of them that iperf3 had time to read. */
function packetRates(what, { sum }, unread) {
  const read = sum.packets - sum.lost_packets;
  return { [what]: (read + unread) / sum.seconds, [`${what}Read`]: read / sum.seconds };
}

/** One stream, and what the tunnel and the link had to do for it. */
async function stream(wire, tunnel, flags, seconds) {
  const before = { client: cpuSeconds(tunnel.client.pid), server: cpuSeconds(tunnel.server.pid) };
  const link = wire.received();
  const overflown = overflows(tunnel.server.pid);
  const end = await iperf(wire, flags, seconds);
  const arrived = wire.received();
  return {
    end,
    unread: overflows(tunnel.server.pid) - overflown,
    cpu: {
      client: cpuSeconds(tunnel.client.pid) - before.client,
      server: cpuSeconds(tunnel.server.pid) - before.server,
    },
    // More than a link's MTU: super-segments crossed it whole.
    linkPacketBytes: (arrived.bytes - link.bytes) / (arrived.packets - link.packets),
  };
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Pings beside one stream: milliseconds, and the share that did not return. */
async function pingUnderLoad(wire, seconds) {
  const { client, server } = HOSTS;
  const load = iperf(wire, [], seconds + 1);
  load.catch(() => {});
  await sleep(500);
  const count = Math.max(50, Math.round(seconds * 100));
  const flags = ['-n', '-i', '0.01', '-c', String(count), '-W', '1', '-I', client.inner];
  const ping = wire.start('client', ['ping', ...flags, server.inner]);
  await Promise.race([ping.ended, sleep((seconds + 10) * 1000)]);
  await ping.stop('SIGINT');
  await load;
  const times = [...ping.output.matchAll(/ time=([\d.]+) ms/g)]
    .map(([, time]) => Number(time))
    .sort((a, b) => a - b);
  if (times.length === 0) throw new Error(`no ping returned: ${ping.output.slice(-200)}`);
  return { median: quantile(times, 0.5), p99: quantile(times, 0.99), lost: 1 - times.length / count };
}

/**
 * Everything about one tunnel that is up, after a stream that does not count.
 * @param wanted keys of {@link STREAMS}, and `ping`
 * @param onFailure is told of a measurement that failed, which is then missing; the others go on
 * @returns TCP in Mbit/s; UDP in packets a second, those that arrived and those that were read; processor seconds a
 *   second and a gigabyte of `up`; ping in ms
 */
export async function measure(wire, tunnel, wanted, seconds, onFailure) {
  const results = {};
  // Compilers of JavaScript learn from the first packets what to compile.
  await iperf(wire, [], 1);
  for (const what of wanted) {
    try {
      if (what === 'ping') {
        const { median, p99, lost } = await pingUnderLoad(wire, seconds);
        Object.assign(results, { pingMedian: median, pingP99: p99, pingLost: lost });
        continue;
      }
      const { end, unread, cpu, linkPacketBytes } = await stream(wire, tunnel, STREAMS[what].flags, seconds);
      if (what.startsWith('udp')) {
        Object.assign(results, packetRates(what, end, unread));
        continue;
      }
      results[what] = end.sum_received.bits_per_second / 1e6;
      if (what !== 'up') continue;
      const gigabytes = end.sum_received.bytes / 1e9;
      Object.assign(results, {
        cpuClient: cpu.client / end.sum_received.seconds,
        cpuServer: cpu.server / end.sum_received.seconds,
        cpuPerGigabyte: (cpu.client + cpu.server) / gigabytes,
        linkPacketBytes,
      });
    } catch (error) {
      onFailure(what, error);
    }
  }
  return results;
}
