import type { Host, Lab } from './lab.js';

/**
 * Gives what a host sends from its UDP port 4500, or to that of others, another source address when it leaves, and
 * lets answers to there come in as before: what somebody on the way can do, or a NAT that has lost its mapping.
 * @param what only IKE, or only ESP; undefined: both
 * @returns ends it
 */
export async function rewriteSource(
  lab: Lab,
  host: Host,
  from: string,
  to: string,
  what?: 'IKE' | 'ESP',
): Promise<() => Promise<void>> {
  // The first word after the UDP header is an SPI, or the non-ESP marker of IKE (RFC 3948 2.2).
  const only = what === undefined ? '' : ` @th,64,32 ${what === 'IKE' ? '0' : '!= 0'}`;
  const chain = (name: string, hook: string, priority: number, ...rules: string[]) => {
    const text = rules.map((rule) => `ip ${rule};`).join(' ');
    return `chain ${name} { type filter hook ${hook} priority ${priority}; ${text} };`;
  };
  const ports = ['sport', 'dport'];
  const out = ports.map((port) => `saddr ${from} udp ${port} 4500${only} ip saddr set ${to}`);
  const back = ports.map((port) => `daddr ${to} udp ${port} 4500 ip daddr set ${from}`);
  const table = [chain('leaving', 'postrouting', 300, ...out), chain('coming', 'prerouting', -300, ...back)];
  await lab.run(host, ['nft', `table ip rewriting { ${table.join(' ')} };`]);
  return async () => {
    await lab.run(host, ['nft', 'delete', 'table', 'ip', 'rewriting']);
  };
}

/** Lets packets in whose sender is reached by another device, as many systems do. */
export async function acceptAnySource(lab: Lab, host: Host): Promise<void> {
  const files = ['all', 'default', 'eth0'].map((name) => `/proc/sys/net/ipv4/conf/${name}/rp_filter`);
  await lab.run(host, ['sh', '-c', `for file in ${files.join(' ')}; do echo 0 >$file; done`]);
}
