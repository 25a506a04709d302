import { KitError } from '../../core/errors.js';
import { parseKeyword } from '../../crypto/keywords.js';
import { transforms } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { hashAlgorithmName } from '../../ike/wire/names.js';
import { severities } from '../checks/check.js';
import {
  capabilityNames,
  type Policy,
  type PolicyDemand,
  type PolicyEntry,
  type PolicyKind,
  type PolicyLists,
  type PolicyRule,
  policyKinds,
} from './policy.js';
import { YamlPlace } from './yaml-reader.js';

/** No policy comes near; it keeps a hostile file from costing anything. */
const MAX_BYTES = 64 << 10;
const MAX_RULES = 100;
const MAX_ENTRIES = 200;
const MAX_TEXT = 500;

const verbs = ['allow', 'forbid', 'require', 'everySuite', 'minimum'] as const;
const ruleFields = ['id', 'title', 'severity', 'reference', 'unverified', 'reason', ...verbs] as const;

/** Kinds that a suite is made of. */
const suiteKinds: readonly PolicyKind[] = ['encr', 'prf', 'integ', 'ke', 'addke'];

const typeOfKind: Partial<Record<PolicyKind, number>> = {
  encr: TransformType.ENCR,
  prf: TransformType.PRF,
  integ: TransformType.INTEG,
  ke: TransformType.KE,
  addke: TransformType.KE,
};

/**
 * Reads a policy.
 * @param text YAML 1.2, as the bundled policies are written
 * @param source how it is called in errors: the file's name
 * @throws KitError usage `E_POLICY` that names the line
 */
export function parsePolicy(text: string, source: string): Policy {
  if (text.length > MAX_BYTES) {
    throw new KitError(
      'usage',
      'E_POLICY',
      `${source} is too long for a policy: more than ${MAX_BYTES >> 10} KiB.`,
    );
  }
  const place = YamlPlace.read(text, source);
  const fields = place.fields(['name', 'title', 'source', 'proposal', 'rules']);
  const name = needed(place, fields, 'name');
  if (!/^[a-z0-9](-?[a-z0-9])*$/.test(name.text(32))) {
    name.fail('has to be lower case letters, digits and single hyphens');
  }
  const rules = needed(place, fields, 'rules').items(MAX_RULES);
  const ids = new Set<number>();
  return {
    name: name.text(32),
    title: needed(place, fields, 'title').text(MAX_TEXT),
    source: needed(place, fields, 'source').text(MAX_TEXT),
    proposal: fields.get('proposal')?.text(MAX_TEXT),
    rules: rules.map((rule) => readRule(rule, ids)),
  };
}

function readRule(place: YamlPlace, ids: Set<number>): PolicyRule {
  const fields = place.fields(ruleFields);
  const idPlace = needed(place, fields, 'id');
  const id = idPlace.integer(1, 999);
  if (ids.has(id)) idPlace.fail(`is ${id}, as in a rule before`);
  ids.add(id);
  const severityPlace = needed(place, fields, 'severity');
  const severity = severities.find((known) => known === severityPlace.text(20));
  return {
    id,
    title: needed(place, fields, 'title').text(MAX_TEXT),
    severity: severity ?? severityPlace.fail(`has to be one of ${severities.join(', ')}`),
    reference: needed(place, fields, 'reference').text(MAX_TEXT),
    unverified: readUnverified(fields),
    demand: readDemand(place, fields),
  };
}

/** `unverified: true` goes with a reason. */
function readUnverified(fields: ReadonlyMap<string, YamlPlace>): string | undefined {
  const unverified = fields.get('unverified');
  const reason = fields.get('reason')?.text(MAX_TEXT);
  if (!unverified?.boolean()) return undefined;
  return reason ?? unverified.fail('needs a reason beside it');
}

function readDemand(place: YamlPlace, fields: ReadonlyMap<string, YamlPlace>): PolicyDemand {
  const present = verbs.filter((verb) => fields.has(verb));
  const [verb] = present;
  if (verb === undefined || present.length > 1) {
    return place.fail(`has to have exactly one of ${verbs.join(', ')}`);
  }
  const what = needed(place, fields, verb);
  if (verb === 'minimum') {
    const rsaBits = needed(what, what.fields(['rsaBits']), 'rsaBits').integer(512, 16384);
    return { verb, rsaBits };
  }
  const kinds = verb === 'everySuite' ? suiteKinds : policyKinds;
  const lists: PolicyLists = Object.fromEntries(
    [...what.fields(kinds)].map(([kind, list]) => [
      kind,
      list.items(MAX_ENTRIES).map((entry) => readEntry(entry, kind as PolicyKind)),
    ]),
  );
  if (Object.keys(lists).length === 0) what.fail('names nothing');
  return { verb, lists };
}

function readEntry(place: YamlPlace, kind: PolicyKind): PolicyEntry {
  const text = place.text(80);
  const entry = entryOf(text, kind);
  return entry ? { text, ...entry } : place.fail(`is "${text}", which is no ${kind} that is known here`);
}

/** Takes strongSwan keywords and IANA names, the latter with or without key length (`ENCR_AES_CBC-256`). */
function entryOf(text: string, kind: PolicyKind): Omit<PolicyEntry, 'text'> | undefined {
  const type = typeOfKind[kind];
  if (type !== undefined) return transformOf(text, type);
  if (kind === 'version') {
    const version = /^ikev([12])$/i.exec(text)?.[1];
    return version === undefined ? undefined : { id: Number(version) };
  }
  if (kind === 'capability') {
    return capabilityNames.some((name) => name === text) ? { id: undefined } : undefined;
  }
  const id = [1, 2, 3, 4, 5, 6, 7].find(
    (number) => hashAlgorithmName(number).toLowerCase() === text.toLowerCase(),
  );
  return id === undefined ? undefined : { id };
}

function transformOf(text: string, type: number): Omit<PolicyEntry, 'text'> | undefined {
  const byName = (name: string): number | undefined =>
    transforms(type).find((row) => row.name.toLowerCase() === name.toLowerCase())?.id;
  const whole = byName(text);
  if (whole !== undefined) return { id: whole };
  const [, name = '', bits = ''] = /^(.*)-(\d{2,3})$/.exec(text) ?? [];
  const sized = byName(name);
  if (sized !== undefined) return { id: sized, keyLength: Number(bits) };
  const keyword = parseKeyword(text);
  if (keyword?.type !== type) return undefined;
  return { id: keyword.id, ...(keyword.keyLength !== undefined && { keyLength: keyword.keyLength }) };
}

function needed(place: YamlPlace, fields: ReadonlyMap<string, YamlPlace>, name: string): YamlPlace {
  return fields.get(name) ?? place.fail(`lacks "${name}"`);
}
