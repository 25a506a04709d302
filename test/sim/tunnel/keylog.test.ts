import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/core/secret.js';
import { keysSchema } from '../../../src/lib/report/keys.schema.js';
import { pskCredentials } from '../../../src/lib/tunnel/credentials.js';
import { startClient, startServer } from './harness.js';

interface Direction {
  spi: string;
  encrKey: string;
}
interface Keys {
  ikeSas: { initiatorSpi: string; responderSpi: string; skD: string; skEi: string; rekeyOf: object | null }[];
  childSas: {
    parent: object;
    rekeyOf: { inboundSpi: string } | null;
    inbound: Direction;
    outbound: Direction;
  }[];
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keylog-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (side: string) => JSON.parse(readFileSync(join(folder, side, 'keys.json'), 'utf8')) as Keys;

it('records the same keys on both sides, through rekeys of both kinds', async () => {
  const { server, ports } = await startServer({ keylog: join(folder, 'server') });
  const client = startClient(ports, { keylog: join(folder, 'client'), rekeyChild: 100, rekeyIke: 150 });
  await Promise.all([client.event('child-sa-rekeyed', 2), client.event('ike-sa-rekeyed', 2)]);
  await client.stop();
  await server.stop();

  const ours = read('client');
  const theirs = read('server');
  const validate = new Ajv().compile(keysSchema);
  for (const keys of [ours, theirs]) expect(validate(keys), JSON.stringify(validate.errors)).toBe(true);

  // The client starts every exchange; its end may cut one off that the server has completed.
  theirs.ikeSas.splice(ours.ikeSas.length);
  theirs.childSas.splice(ours.childSas.length);
  const ikeKeys = ({ ikeSas }: Keys) =>
    ikeSas.map(({ initiatorSpi, skD, skEi }) => ({ initiatorSpi, skD, skEi }));
  expect(ours.ikeSas.length).toBeGreaterThanOrEqual(3);
  expect(ikeKeys(ours)).toEqual(ikeKeys(theirs));
  const wire = (direction: Direction) => `${direction.spi} ${direction.encrKey}`;
  const sent = (keys: Keys) => keys.childSas.map(({ outbound }) => wire(outbound));
  const received = (keys: Keys) => keys.childSas.map(({ inbound }) => wire(inbound));
  expect(sent(ours)).toEqual(received(theirs));
  expect(sent(theirs)).toEqual(received(ours));

  // Every successor names its predecessor, and every child an IKE SA on record.
  const spis = ours.ikeSas.map(({ initiatorSpi, responderSpi }) => ({ initiatorSpi, responderSpi }));
  expect(ours.ikeSas.map(({ rekeyOf }) => rekeyOf)).toEqual([null, ...spis.slice(0, -1)]);
  const inbound = ours.childSas.map((child) => child.inbound.spi);
  expect(ours.childSas.map(({ rekeyOf }) => rekeyOf?.inboundSpi)).toEqual([
    undefined,
    ...inbound.slice(0, -1),
  ]);
  for (const { parent } of ours.childSas) expect(spis).toContainEqual(parent);
});

it('records the keys of an authentication that failed, so that it can be read', async () => {
  const { server, ports } = await startServer({ keylog: join(folder, 'server') });
  const client = startClient(ports, {
    keylog: join(folder, 'client'),
    credentials: pskCredentials(Secret.fromText('a wrong one')),
  });
  expect(await client.ended).toMatchObject({ code: 'E_AUTHENTICATION_FAILED' });
  await server.stop();
  const validate = new Ajv().compile(keysSchema);
  const [ours, theirs] = [read('client'), read('server')];
  for (const keys of [ours, theirs]) expect(validate(keys), JSON.stringify(validate.errors)).toBe(true);
  expect(ours.ikeSas).toHaveLength(1);
  expect(ours.ikeSas[0]!.skEi).toBe(theirs.ikeSas[0]!.skEi);
  expect(ours.childSas).toEqual([]);
});
