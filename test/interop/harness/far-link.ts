import type { Host, Lab } from './lab.js';
import { run } from './process.js';

/** A router between hosts a and b: host 3, with host b on a link of its own. */
export interface FarLink {
  /** Lets the link to host b take IP packets of so many bytes. */
  setMtu(bytes: number): Promise<void>;
}

/** Takes host b off the wire and puts host 3 between it and host a. */
export async function openFarLink(lab: Lab): Promise<FarLink> {
  const { a, b } = lab;
  const router = lab.host(3);
  const ip = (host: { namespace: string }, ...words: string[]) => run(['ip', '-n', host.namespace, ...words]);
  await run([
    'ip',
    '-n',
    lab.wire,
    'link',
    'set',
    'p2',
    'nomaster',
    'netns',
    router.namespace,
    'name',
    'far',
  ]);
  await ip(router, 'link', 'set', 'far', 'addrgenmode', 'none', 'up');
  // Neighbours are asked for with an address of the link, for IPv6 a link-local one, and answer to it alone.
  await ip(router, 'addr', 'add', `${router.v4}/32`, 'dev', 'far');
  await ip(router, 'addr', 'add', `${router.v6}/128`, 'dev', 'far', 'nodad');
  for (const device of ['far', 'eth0']) {
    await ip(router, 'addr', 'add', 'fe80::3/64', 'dev', device, 'nodad');
  }
  await forward(lab, router);
  for (const [host, via] of [
    [a, b],
    [b, a],
  ] as const) {
    await ip(host, 'route', 'add', via.v4, 'via', router.v4);
    await ip(host, '-6', 'route', 'add', via.v6, 'via', router.v6);
  }
  await ip(router, 'route', 'add', b.v4, 'dev', 'far');
  await ip(router, '-6', 'route', 'add', b.v6, 'dev', 'far');
  return {
    async setMtu(bytes) {
      await ip(router, 'link', 'set', 'far', 'mtu', String(bytes));
      await ip(b, 'link', 'set', 'eth0', 'mtu', String(bytes));
    },
  };
}

/** A machine in the inner networks of a host, for which that host forwards: strictly, as careful routers do. */
export async function addMachineBehind(lab: Lab, host: Host): Promise<Host> {
  const namespace = `${host.namespace}-in`;
  await lab.addNamespace(namespace);
  const inside = (...words: string[]) => run(['ip', '-n', namespace, ...words]);
  const gateway = (...words: string[]) => run(['ip', '-n', host.namespace, ...words]);
  await gateway('link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await gateway('link', 'set', 'lan', 'addrgenmode', 'none', 'up');
  await inside('link', 'set', 'eth0', 'addrgenmode', 'none', 'up');
  const v4 = host.inner4.replace(/1$/, '100');
  const v6 = host.inner6.replace(/1$/, '100');
  await inside('addr', 'add', `${v4}/24`, 'dev', 'eth0');
  await inside('addr', 'add', `${v6}/128`, 'dev', 'eth0', 'nodad');
  await inside('addr', 'add', 'fe80::2/64', 'dev', 'eth0', 'nodad');
  await gateway('addr', 'add', 'fe80::1/64', 'dev', 'lan', 'nodad');
  await gateway('route', 'add', v4, 'dev', 'lan', 'src', host.inner4);
  await gateway('-6', 'route', 'add', v6, 'dev', 'lan');
  await inside('route', 'add', 'default', 'via', host.inner4);
  await inside('-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0');
  await forward(lab, host);
  await turnOn(lab, host, 'ipv4/conf/all/rp_filter');
  return { ...host, namespace, v4, v6, inner4: v4, inner6: v6 };
}

function forward(lab: Lab, host: Host): Promise<string> {
  return turnOn(lab, host, 'ipv4/ip_forward', 'ipv6/conf/all/forwarding');
}

/** Settings under /proc/sys/net, which are those of the namespace. */
function turnOn(lab: Lab, host: Host, ...settings: string[]): Promise<string> {
  return lab.run(host, [
    'sh',
    '-c',
    'cd /proc/sys/net && for each; do echo 1 > "$each"; done',
    'sh',
    ...settings,
  ]);
}
