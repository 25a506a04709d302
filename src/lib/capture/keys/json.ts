import { Secret } from '../../core/secret.js';
import { integTransform, prfTransform } from '../../crypto/registry.js';
import { checkEncrKey, checkIntegKey, NO_INTEG } from './algorithm-names.js';
import { addressMatch, ikeSpiField, spiField } from './fields.js';
import { daemonEspEntry, daemonIkeEntry } from './json-daemon.js';
import {
  isObject,
  type Json,
  numberOf,
  objectOf,
  optionalBytes,
  optionalObject,
  optionalSecret,
  present,
  textOf,
} from './json-fields.js';
import {
  type EspKey,
  type Ikev2Key,
  type IntegSpec,
  type KeyEntry,
  KeyLineError,
  type KeySource,
  type ParsedKeys,
} from './types.js';

/**
 * Reads a JSON key file: our own `ipsec-kit/keys@1`, or `ike` and `esp` lists of a daemon's secrets. An entry that is
 * no key becomes a problem with the line it begins on, the others are kept.
 */
export function parseJsonKeys(text: string, file: string): ParsedKeys {
  const found: ParsedKeys = { keys: [], problems: [] };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    found.problems.push({ file, line: lineOfSyntaxError(text, error), message: 'not valid JSON' });
    return found;
  }
  const lists: [name: string, read: (entry: Json, source: KeySource) => KeyEntry[]][] = [
    ['ikeSas', ownIkeEntry],
    ['childSas', ownChildEntry],
    ['ike', daemonIkeEntry],
    ['esp', daemonEspEntry],
  ];
  let known = false;
  for (const [name, read] of lists) {
    const list = isObject(document) ? document[name] : undefined;
    if (list === undefined) continue;
    known = true;
    const entries = Array.isArray(list) ? list : [undefined];
    let from = Math.max(0, text.indexOf(`"${name}"`));
    entries.forEach((entry: unknown, i) => {
      const at = beginningOf(text, entry, from);
      from = at;
      const source = { file, line: lineAt(text, at) };
      try {
        if (!isObject(entry)) throw new KeyLineError('not an object');
        const keys = read(entry, source);
        if (keys.length === 0) throw new KeyLineError('no key in it');
        found.keys.push(...keys);
      } catch (error) {
        if (!(error instanceof KeyLineError)) throw error;
        found.problems.push({ ...source, message: `${name}[${i}]: ${error.message}` });
      }
    });
  }
  if (!known) found.problems.push({ file, line: 1, message: 'JSON, but no key file this tool knows' });
  return found;
}

function ownIkeEntry(entry: Json, source: KeySource): KeyEntry[] {
  const suite = optionalObject(entry, 'suite');
  const encr = suite && optionalObject(suite, 'encr');
  const encrId = encr && numberOf(encr, 'id');
  const integ = suite && integOfSuite(suite);
  const prf = suite && optionalObject(suite, 'prf');
  const prfId = prf && numberOf(prf, 'id');
  const hex = (name: string): Secret | undefined => optionalSecret(entry, name);
  const keys = { skEi: hex('skEi'), skEr: hex('skEr') };
  const macs = { skAi: hex('skAi'), skAr: hex('skAr') };
  if (encrId !== undefined) for (const key of Object.values(keys)) if (key) checkEncrKey(encrId, key.length);
  if (integ) for (const key of Object.values(macs)) if (key) checkIntegKey(integ, key.length);
  if (prfId !== undefined && !prfTransform(prfId)) throw new KeyLineError(`PRF ${prfId} is unknown`);
  if ((keys.skEi || keys.skEr) && encrId === undefined) throw new KeyLineError('"suite" is missing');
  const skD = hex('skD');
  const keSecret = hex('keSecret');
  if (![...Object.values(keys), skD, keSecret].some((secret) => secret)) return [];
  return [
    present<Ikev2Key>({
      kind: 'ikev2',
      source,
      spiI: ikeSpiField(textOf(entry, 'initiatorSpi'), '"initiatorSpi"'),
      spiR: ikeSpiField(textOf(entry, 'responderSpi'), '"responderSpi"'),
      encr: encrId,
      integ,
      prf: prfId,
      ...keys,
      skAi: integ?.checked ? macs.skAi : undefined,
      skAr: integ?.checked ? macs.skAr : undefined,
      skD,
      keSecret,
      nonceI: optionalBytes(entry, 'nonceI'),
      nonceR: optionalBytes(entry, 'nonceR'),
    }),
  ];
}

function ownChildEntry(entry: Json, source: KeySource): KeyEntry[] {
  const directions = [objectOf(entry, 'inbound'), objectOf(entry, 'outbound')];
  const spis = directions.map((direction) => spiField(textOf(direction, 'spi'), '"spi"'));
  const keySecret = optionalSecret(entry, 'keSecret');
  const keys: KeyEntry[] = keySecret ? [{ kind: 'child-ke', source, spis, keSecret: keySecret }] : [];
  directions.forEach((direction, i) => {
    const given = optionalSecret(direction, 'encrKey');
    const integGiven = optionalSecret(direction, 'integKey');
    // NULL has no key of its own; a pair without any key at all only tells its KE secret.
    if (!given && !integGiven) return;
    const suite = objectOf(entry, 'suite');
    const encr = numberOf(objectOf(suite, 'encr'), 'id');
    const encrKey = given ?? new Secret(new Uint8Array(0));
    const integ = integOfSuite(suite);
    const integKey = integGiven ?? new Secret(new Uint8Array(0));
    checkEncrKey(encr, encrKey.length);
    checkIntegKey(integ, integKey.length);
    const address = (name: string): string => {
      const endpoint = optionalObject(direction, name);
      return endpoint ? addressMatch(textOf(endpoint, 'address'), `"${name}"`) : '*';
    };
    keys.push(
      present<EspKey>({
        kind: 'esp',
        source,
        spi: spis[i]!,
        src: address('source'),
        dst: address('destination'),
        encr,
        encrKey,
        integ,
        integKey,
        esn: typeof suite.esn === 'boolean' ? suite.esn : undefined,
        seqHigh: undefined,
        spiPattern: undefined,
      }),
    );
  });
  return keys;
}

function integOfSuite(suite: Json): IntegSpec {
  const integ = optionalObject(suite, 'integ');
  if (!integ) return NO_INTEG;
  const row = integTransform(numberOf(integ, 'id'));
  if (!row) throw new KeyLineError(`integrity transform ${numberOf(integ, 'id')} is unknown`);
  return row.id === 0 ? NO_INTEG : { id: row.id, icvBytes: row.icvBytes, checked: true };
}

/** Where an entry begins, found by its first text, which is enough for a message. */
function beginningOf(text: string, entry: unknown, from: number): number {
  const first = isObject(entry) ? Object.values(entry).find((value) => typeof value === 'string') : undefined;
  const at = first === undefined ? -1 : text.indexOf(JSON.stringify(first), from + 1);
  return at < 0 ? from : at;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) line += 1;
  return line;
}

function lineOfSyntaxError(text: string, error: unknown): number {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  return position === undefined ? lineAt(text, text.length) : lineAt(text, Number(position));
}
