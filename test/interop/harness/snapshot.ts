import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Host, type Lab, pidsIn } from './lab.js';

/** Everything a command could leave on a host, one line each. */
export async function snapshot(lab: Lab, host: Host): Promise<string[]> {
  const ip = async (label: string, ...words: string[]) => {
    const text = await lab.run(host, ['ip', '-o', ...words]).catch((error: Error) => {
      // A routing table that nothing has ever used does not exist.
      if (error.message.includes('FIB table does not exist')) return '';
      throw error;
    });
    return text
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').trim())
      .filter(Boolean)
      .map((line) => `${label} ${line}`);
  };
  const links = await ip('link', 'link');
  return [
    ...links.map((line) => line.replace(/ qdisc.*/, '')),
    ...(await ip('addr', 'addr')),
    ...(await ip('route4', '-4', 'route', 'show', 'table', 'all')),
    ...(await ip('route6', '-6', 'route', 'show', 'table', 'all')).map((line) =>
      line.replace(/ expires \S+/, ''),
    ),
    ...(await ip('rule4', '-4', 'rule')),
    ...(await ip('rule6', '-6', 'rule')),
    ...processes(host),
    ...readdirSync(lab.tmp).map((name) => `file ${name}`),
  ].sort();
}

const processes = (host: Host) => pidsIn(host.namespace).map((pid) => `process ${pid}`);

/** What is there now and was not before, and the other way round; asks again for a while, for things that go late. */
export async function leftovers(
  lab: Lab,
  host: Host,
  before: readonly string[],
  patience = 3000,
): Promise<{ added: string[]; missing: string[] }> {
  const end = Date.now() + patience;
  for (;;) {
    const after = await snapshot(lab, host);
    const added = after.filter((line) => !before.includes(line));
    const missing = before.filter((line) => !after.includes(line));
    if ((added.length === 0 && missing.length === 0) || Date.now() > end) return { added, missing };
    await sleep(100);
  }
}

export const nothing = { added: [], missing: [] };
