import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, type Flags, type Kit, serve, verdict } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { auditPsk, weakLine, weakPsk, wordList } from './harness/psk-audit.js';
import { leftovers, nothing, snapshot } from './harness/snapshot.js';
import { connectFlags, startInitiator } from './harness/tunnels.js';

const needs = ['strongswan'] as const;

const prfs = [
  { hash: 'sha1', ike: 'aes128-sha1-prfsha1-modp2048' },
  { hash: 'sha256', ike: 'aes256gcm16-prfsha256-x25519' },
  { hash: 'sha384', ike: 'aes256gcm16-prfsha384-ecp384' },
  { hash: 'sha512', ike: 'aes256-sha512-prfsha512-ecp256' },
] as const;

interface Collector {
  kit: Kit;
  file: string;
  /** Ends it as a user does, and looks for what it left on its host. */
  finish: () => Promise<void>;
}

/** `serve --audit-psk` on host b. */
async function startCollector(lab: Lab, flags: Flags = {}): Promise<Collector> {
  const file = join(lab.dir, 'clients.proofs');
  const before = await snapshot(lab, lab.b);
  const kit = await serve(lab, lab.b, { 'audit-psk': file, ...flags });
  const finish = async (): Promise<void> => {
    expect(await kit.stop()).toEqual({ code: 130, signal: null });
    expect(await leftovers(lab, lab.b, before)).toEqual(nothing);
  };
  return { kit, file, finish };
}

/** The lines of a collector's file, which only its owner may read. */
function proofsIn(file: string): { prf: number; identity: string }[] {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain(weakPsk);
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line));
}

/** What `psk audit` makes of a file with one proof of alice.test. */
async function expectFound(lab: Lab, file: string, hash: string): Promise<void> {
  const { report, exit } = await auditPsk(file, wordList(lab));
  expect(exit.code).toBe(3);
  expect(report).toMatchObject({ ok: false, complete: true });
  expect(report.targets).toEqual([
    {
      ...{ line: 1, kind: 'ikev2-auth', hash, identity: 'alice.test' },
      ...{ status: 'found', wordLine: weakLine, psk: '[redacted]' },
    },
  ]);
}

describe('serve --audit-psk learns enough of a client to guess its key', () => {
  test.for(prfs)('our connect with $hash', async ({ hash, ike }, context) => {
    const lab = await openLab(context);
    const { kit, file, finish } = await startCollector(lab, { ike });
    const client = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), ike }, { psk: weakPsk });
    expect((await client.ended()).code).not.toBe(0);
    expect(verdict(client).code).toBe('E_AUTHENTICATION_FAILED');
    expect(proofsIn(file)).toMatchObject([{ identity: 'alice.test' }]);
    expect(kit.all('warning').map(({ code }) => code)).toContain('W_PSK_PROOF');
    expect(kit.all('ike-sa-established')).toEqual([]);
    await finish();
    expect(kit.child.stdout + kit.child.stderr).not.toContain(weakPsk);
    await expectFound(lab, file, hash);
  });

  test.for(prfs)('strongSwan with $hash', async ({ hash, ike }, context) => {
    const lab = await openLab(context, { needs });
    const { file, finish } = await startCollector(lab, { ike });
    const peer = await startInitiator(lab, { ike, psk: weakPsk });
    await expect(peer.initiate()).rejects.toThrow();
    expect(peer.log()).toContain('received AUTHENTICATION_FAILED');
    expect(proofsIn(file)).toMatchObject([{ identity: 'alice.test' }]);
    await finish();
    await expectFound(lab, file, hash);
  });

  test('several clients in one file, which is added to; the strong key stays unknown', async (context) => {
    const lab = await openLab(context, { needs });
    const file = join(lab.dir, 'clients.proofs');
    for (const [psk, id] of [
      [undefined, 'carol.test'],
      [weakPsk, 'alice.test'],
    ] as const) {
      const { finish } = await startCollector(lab);
      const options = psk === undefined ? {} : { psk };
      const client = connect(lab, lab.a, lab.b.v4, { ...connectFlags(lab), 'local-id': id }, options);
      await client.ended();
      await finish();
    }
    expect(proofsIn(file).map(({ identity }) => identity)).toEqual(['carol.test', 'alice.test']);
    const { report, exit } = await auditPsk(file, wordList(lab), '--threads', '2');
    expect(exit.code).toBe(3);
    expect(report.targets.map(({ status }) => status)).toEqual(['not found', 'found']);
    expect(report.words.tried).toBe(10_000);
    expect(report.threads).toBe(2);
  });
});
