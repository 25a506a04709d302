import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Capture, tsharkFields } from './harness/capture.js';
import { kit as command } from './harness/identities.js';
import type { Flags } from './harness/kit.js';
import { type Lab, openLab } from './harness/lab.js';
import { certFlags, certPeer, issuePeople, type People, secretFile } from './harness/people.js';
import { checkDocument } from './harness/schemas.js';
import type { StrongSwanOptions } from './harness/strongswan-config.js';
import { ping } from './harness/traffic.js';
import { connectToStrongSwan } from './harness/tunnels.js';

interface Payload {
  typeNumber: number;
  inside?: boolean;
  fields: {
    identity?: string;
    method?: string;
    methodNumber?: number;
    certificate?: { serial: string };
    eap?: Eap;
  } & Eap;
}

interface Eap {
  codeNumber?: number;
  typeNumber?: number;
  identity?: string;
}

interface Decoded {
  packets: {
    frame: number;
    protocol: string;
    decrypted: boolean;
    icv: string;
    ike?: { exchange: string; payloads: Payload[] };
  }[];
  diagnosis: { id: string; severity: string }[];
}

interface Session {
  name: string;
  flags: (lab: Lab, people: People) => Flags;
  peer: (people: People) => Partial<StrongSwanOptions>;
  intermediate?: boolean;
}

const password = 'wonderland seven';

const sessions: Session[] = [
  {
    name: 'certificates and a CA in between, in fragments of 500 bytes',
    intermediate: true,
    flags: (_lab, people) => ({ ...certFlags(people, people.alice), 'fragment-size': 500 }),
    peer: (people) => ({ ...certPeer(people, people.bob), charon: { fragment_size: 500 } }),
  },
  {
    name: 'EAP-MSCHAPv2',
    flags: (lab, { root }) => ({
      ca: root.cert,
      'eap-user': 'carol',
      'eap-password-file': secretFile(lab, 'password', password),
    }),
    peer: (people) => ({
      ...certPeer(people, people.bob),
      remoteAuth: { auth: 'eap-mschapv2', eap_id: '%any' },
      credentials: { ...certPeer(people, people.bob).credentials, users: { carol: password } },
    }),
  },
  {
    name: 'EAP-TLS, in fragments of 500 bytes',
    flags: (_lab, people) => ({
      ...certFlags(people, people.alice),
      auth: 'eap-tls',
      'fragment-size': 500,
    }),
    peer: (people) => ({
      ...certPeer(people, people.bob),
      remoteAuth: { auth: 'eap-tls', eap_id: '%any' },
      charon: { fragment_size: 500 },
    }),
  },
];

/** Of every message of IKE_AUTH: what it is made of and whose, in the order of its payloads. */
interface Reading {
  frame: number;
  serials: string[];
  methods: number[];
  identities: string[];
  eapCodes: number[];
  eapTypes: number[];
  eapIdentities: string[];
}

function ourReading({ packets }: Decoded): Reading[] {
  const authentication = packets.filter(({ ike }) => ike?.exchange === 'IKE_AUTH');
  return authentication.map(({ frame, ike }) => {
    const inside = (ike?.payloads ?? []).filter((payload) => payload.inside);
    const of = <T>(types: number[], read: (fields: Payload['fields']) => T | undefined): T[] =>
      inside.flatMap(({ typeNumber, fields }) => {
        const value = types.includes(typeNumber) ? read(fields) : undefined;
        return value === undefined ? [] : [value];
      });
    const eap = <T>(read: (eap: Eap) => T | undefined) => of([48], (fields) => read(fields.eap ?? fields));
    return {
      frame,
      serials: of([37], ({ certificate }) => certificate?.serial),
      methods: of([39], ({ methodNumber }) => methodNumber),
      identities: of([35, 36], ({ identity }) => identity),
      eapCodes: eap(({ codeNumber }) => codeNumber),
      eapTypes: eap(({ typeNumber }) => typeNumber),
      eapIdentities: eap(({ identity }) => identity),
    };
  });
}

async function tsharkReading(lab: Lab, file: string, keylog: string): Promise<Reading[]> {
  const folder = join(lab.dir, 'config');
  mkdirSync(folder);
  symlinkSync(keylog, join(folder, 'wireshark'));
  const fields = [
    ...['frame.number', 'x509af.serialNumber', 'isakmp.auth.method', 'isakmp.id.data.fqdn'],
    ...['eap.code', 'eap.type', 'eap.identity'],
  ];
  const rows = await tsharkFields(file, fields, {
    filter: 'isakmp.exchangetype == 35',
    env: { XDG_CONFIG_HOME: folder },
  });
  const list = (text = '') => text.split(',').filter(Boolean);
  return rows.map(([frame, serials, methods, identities, codes, types, names]) => ({
    frame: Number(frame),
    // Those inside the TLS of EAP are no payloads.
    serials: list(types).includes('13') ? [] : list(serials),
    methods: list(methods).map(Number),
    identities: list(identities),
    eapCodes: list(codes).map(Number),
    eapTypes: list(types).map(Number),
    eapIdentities: list(names),
  }));
}

describe('decode and tshark read the same with the key log of a live session', () => {
  test.for(sessions)('$name', async ({ flags, peer, intermediate = false }, context) => {
    const lab = await openLab(context, { needs: ['strongswan', 'tcpdump', 'tshark'] });
    const { a, b } = lab;
    const people = await issuePeople(lab, { intermediate });
    const keylog = join(lab.dir, 'keys');
    const suite = { ike: 'aes256gcm16-prfsha256-x25519', esp: 'aes256gcm16' };
    const capture = await Capture.start(lab, a);
    await connectToStrongSwan(lab, {
      flags: { ...suite, keylog, ...flags(lab, people) },
      peer: { ...suite, ...peer(people) },
    });
    expect(await ping(lab, a, a.inner4, b.inner4)).toEqual({ sent: 3, received: 3 });
    await capture.stop();

    const decoded = JSON.parse(await command('decode', capture.file, '--keys', keylog, '--json')) as Decoded;
    checkDocument('decode', decoded);
    const sealed = decoded.packets.filter(({ ike }) => ike?.exchange !== 'IKE_SA_INIT');
    expect(sealed.filter(({ decrypted, icv }) => !decrypted || icv !== 'good')).toEqual([]);
    expect(sealed.filter(({ protocol }) => protocol === 'ESP')).toHaveLength(6);
    expect(decoded.diagnosis.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(JSON.stringify(decoded)).not.toContain(password);

    const ours = ourReading(decoded);
    expect(ours).toEqual(await tsharkReading(lab, capture.file, keylog));
    // Both read something.
    expect(ours.flatMap(({ serials, eapCodes }) => [...serials, ...eapCodes]).length).toBeGreaterThan(3);
    expect(ours.flatMap(({ identities }) => identities)).toEqual(expect.arrayContaining(['bob.test']));
  });
});
