import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../../src/lib/core/bytes.js';
import { createSigner } from '../../../src/lib/ike/auth/signature.js';
import { type Identity, parseIdentity } from '../../../src/lib/ike/identity.js';
import { notify } from '../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../src/lib/ike/wire/types.js';
import { parseGeneralName } from '../../../src/lib/pki/general-name.js';
import type { Issuer } from '../../../src/lib/pki/issue.js';
import { type AuthProbeOptions, probeAuth } from '../../../src/lib/probe/auth-probe.js';
import { below, leaf, NOW, rootCa } from '../pki/build.js';
import { type Answer, type AuthGateway, authGateway, responderOctets, suite } from './auth-gateway.js';
import { type DirectAsker, type DirectOptions, directAsker } from './direct-asker.js';

const gatewayId: Identity = { idType: 2, data: utf8('vpn.example.com') };
const FAILED = notify(24);
/** EAP Request, identifier 7, type 1 (Identity). */
const eapRequest: Payload = { type: 48, message: Uint8Array.of(1, 7, 0, 5, 1) };
const eapFailure: Payload = { type: 48, message: Uint8Array.of(4, 7, 0, 4) };

let root: Issuer;
let intermediate: Issuer;
let ec: Awaited<ReturnType<typeof leaf>>;
let rsa: Awaited<ReturnType<typeof leaf>>;

beforeAll(async () => {
  root = await rootCa();
  intermediate = await below(root);
  ec = await leaf(intermediate);
  rsa = await leaf(intermediate, { kind: 'rsa-2048' });
});

interface Proof {
  who?: 'ec' | 'rsa';
  /** Hash ids that the gateway believes we know; `none`: RFC 7427 is unknown to it. */
  hashes?: number[] | 'none';
  chain?: boolean;
  wrong?: boolean;
}

/** A gateway that goes on with EAP, and proves itself with a signature. */
function eapGateway({ who = 'ec', hashes = [2, 3, 4], chain = true, wrong = false }: Proof = {}): Answer {
  return (request, { sa, messageId }) => {
    if (messageId > 1) return [eapFailure];
    if (request.some(({ type }) => type === 39)) return [FAILED];
    const { certificate, key } = who === 'ec' ? ec : rsa;
    const signer = createSigner({ key, certificates: [certificate.der] });
    const { method, data } = signer.sign(
      responderOctets(sa, gatewayId),
      hashes === 'none' ? undefined : hashes,
    );
    if (wrong) data[data.length - 1]! ^= 1;
    const certificates = chain ? [certificate.der, intermediate.certificate.der] : [certificate.der];
    return [
      { type: 36, ...gatewayId },
      ...certificates.map((der): Payload => ({ type: 37, encoding: 4, data: der })),
      { type: 39, method, data },
      eapRequest,
    ];
  };
}

interface Run {
  facts: Awaited<ReturnType<typeof probeAuth>>;
  gateway: AuthGateway;
  asker: DirectAsker;
}

async function probe(
  answer: Answer,
  options: Partial<AuthProbeOptions> & DirectOptions & { fragmentSize?: number; most?: number } = {},
): Promise<Run> {
  const { fragmentSize, most, identity, trust } = options;
  const gateway = authGateway({
    answer,
    ...(fragmentSize !== undefined && { fragmentSize }),
    ...(most !== undefined && { most }),
  });
  const asker = directAsker(gateway.handle, options);
  const facts = await probeAuth(asker, gateway.opener, { transforms: suite, identity, trust });
  return { facts, gateway, asker };
}

const trust = () => ({ anchors: [root.certificate], now: NOW, name: parseGeneralName('vpn.example.com') });

describe('a gateway with EAP', () => {
  it('shows identity, chain and signature, and the conversation is ended', async () => {
    const { facts, gateway, asker } = await probe(eapGateway(), { trust: trust() });
    expect(facts).toMatchObject({
      eap: { value: true },
      responderMethod: { value: 'certificate' },
      identity: 'vpn.example.com',
      signature: { value: 'ECDSA P-256 with SHA-256' },
      problems: [],
    });
    expect(facts.certificates.map(toHex)).toEqual(
      [ec.certificate, intermediate.certificate].map(({ der }) => toHex(der)),
    );
    expect(facts.eap.packets).toEqual([1, 2]);
    expect(gateway.ends).toEqual(['ended']);
    expect(asker.sent.map(({ summary }) => summary)).toEqual([
      'IKE_AUTH as 192.0.2.1, asking for EAP',
      'IKE_AUTH, EAP declined',
    ]);
  });

  it('is asked for certificates of our CAs, and sent no AUTH', async () => {
    const requests: (readonly Payload[])[] = [];
    const { facts } = await probe(
      (request, context) => {
        requests.push(request);
        return eapGateway()(request, context);
      },
      { trust: trust() },
    );
    expect(facts.eap.value).toBe(true);
    const [first, second] = requests;
    expect(first!.map(({ type }) => type)).toEqual([35, 38, 47, 33, 44, 45]);
    const keyHash = createHash('sha1').update(root.certificate.spki).digest('hex');
    expect(first!.flatMap((each) => (each.type === 38 ? [toHex(each.data)] : []))).toEqual([keyHash]);
    expect(second!.flatMap((each) => (each.type === 48 ? [[...each.message]] : []))).toEqual([
      [2, 7, 0, 6, 3, 0],
    ]);
  });

  it.each<[string, Proof, string]>([
    ['the old method for RSA', { who: 'rsa', hashes: 'none' }, 'RSA (PKCS#1 v1.5) with SHA-1'],
    ['RSA-PSS', { who: 'rsa', hashes: [4] }, 'RSA-PSS with SHA-512'],
    ['the old method for ECDSA', { hashes: 'none' }, 'ECDSA P-256 with SHA-256'],
  ])('signs with %s', async (_, proof, scheme) => {
    const { facts } = await probe(eapGateway(proof), { trust: trust() });
    expect(facts.signature.value).toBe(scheme);
    expect(facts.problems).toEqual([]);
  });

  it('is found out when its signature is wrong', async () => {
    const { facts } = await probe(eapGateway({ wrong: true, who: 'rsa', hashes: [2] }), { trust: trust() });
    expect(facts.signature.value).toBe('RSA-PSS with SHA-256');
    expect(facts.problems?.map(({ code }) => code)).toEqual(['E_SIGNATURE_INVALID']);
  });

  it('has no problems that nobody could find without a CA', async () => {
    const { facts } = await probe(eapGateway());
    expect(facts.problems).toBeUndefined();
    expect(facts.signature.value).toBe('ECDSA P-256 with SHA-256');
  });

  it.each<[string, () => NonNullable<AuthProbeOptions['trust']>, Proof, string]>([
    [
      'is not that of its name',
      () => ({ ...trust(), name: parseGeneralName('other.example.com') }),
      {},
      'E_CERT_NAME',
    ],
    ['has expired', () => ({ ...trust(), now: NOW + 500 * 86_400_000 }), {}, 'E_CERT_EXPIRED'],
    ['is not complete', trust, { chain: false }, 'E_CERT_UNTRUSTED'],
  ])('is reported when its chain %s', async (_, given, proof, code) => {
    const { facts } = await probe(eapGateway(proof), { trust: given() });
    expect(facts.problems?.map((problem) => problem.code)).toContain(code);
  });

  it('is heard when its answer comes in fragments, one of them lost at first', async () => {
    let losses = 0;
    const gateway = authGateway({ answer: eapGateway(), fragmentSize: 400 });
    const asker = directAsker((datagram) => {
      const fragments = gateway.handle(datagram);
      return fragments.length > 1 && losses++ === 0 ? fragments.slice(1) : fragments;
    });
    const facts = await probeAuth(asker, gateway.opener, {
      transforms: suite,
      identity: undefined,
      trust: trust(),
    });
    expect(losses).toBe(2);
    expect(facts.certificates).toHaveLength(2);
    expect(facts.problems).toEqual([]);
  });

  it('is known when it says its answer again', async () => {
    const gateway = authGateway({ answer: eapGateway() });
    const direct = directAsker(gateway.handle);
    const again: unknown[] = [];
    const asker: DirectAsker = {
      ...direct,
      async ask(datagram, options) {
        const asked = await direct.ask(datagram, options);
        if (asked.outcome === 'answered') again.push(options.match(asked.reply));
        return asked;
      },
    };
    await probeAuth(asker, gateway.opener, { transforms: suite, identity: undefined, trust: trust() });
    expect(again.length).toBeGreaterThan(1);
    expect(new Set(again)).toEqual(new Set([true]));
  });

  it('uses a pre-shared key for itself', async () => {
    const { facts } = await probe((_request, { messageId }) =>
      messageId > 1
        ? [eapFailure]
        : [{ type: 36, ...gatewayId }, { type: 39, method: 2, data: new Uint8Array(32) }, eapRequest],
    );
    expect(facts.responderMethod.value).toBe('psk');
    expect(facts.signature.value).toBeUndefined();
    expect(facts.identity).toBe('vpn.example.com');
  });

  it('does not prove itself at all', async () => {
    const { facts } = await probe((_request, { messageId }) => (messageId > 1 ? [FAILED] : [eapRequest]));
    expect(facts).toMatchObject({ eap: { value: true }, responderMethod: { value: 'none' } });
    expect(facts.identity).toBeUndefined();
  });

  it('that does not care for the refusal is cleared', async () => {
    const { gateway } = await probe((request, context) =>
      context.messageId > 1 ? [eapRequest] : eapGateway()(request, context),
    );
    expect(gateway.ends).toEqual(['cleared']);
    expect(gateway.clearIds).toEqual([3]);
  });

  it('may send certificates that do not parse', async () => {
    const { facts } = await probe(
      (request, context) =>
        eapGateway()(request, context)?.map((payload) =>
          payload.type === 37 ? { ...payload, data: Uint8Array.of(1, 2, 3) } : payload,
        ),
      { trust: trust() },
    );
    expect(facts.problems?.map(({ code }) => code)).toEqual(['E_CERT_FORMAT']);
    expect(facts.signature.value).toBe('ECDSA with SHA-256');
  });
});

describe('a gateway without EAP', () => {
  it('refuses, and that is the end', async () => {
    const { facts, gateway } = await probe(() => [FAILED]);
    expect(facts.eap).toMatchObject({ value: false, note: 'EAP is refused: AUTHENTICATION_FAILED' });
    expect(facts.responderMethod.value).toBeUndefined();
    expect(gateway.ends).toEqual(['ended']);
  });

  it('may refuse the child SA first, which says nothing', async () => {
    const { facts, gateway } = await probe(() => [notify(14)]);
    expect(facts.eap).toMatchObject({ value: undefined, note: 'NO_PROPOSAL_CHOSEN' });
    expect(gateway.ends).toEqual(['ended']);
  });

  it('may be silent, which says nothing', async () => {
    const { facts, gateway } = await probe(() => undefined);
    expect(facts.eap.value).toBeUndefined();
    expect(gateway.ends).toEqual(['cleared', 'cleared']);
  });

  it('is asked in another SA when it forgot one with a refusal that was lost', async () => {
    const forgotten = new Set<unknown>();
    const { facts, gateway } = await probe((_request, { sa }) => {
      if (forgotten.size > 0 && !forgotten.has(sa)) return [FAILED];
      forgotten.add(sa);
      return undefined;
    });
    expect(facts.eap).toMatchObject({ value: false, note: 'EAP is refused: AUTHENTICATION_FAILED' });
    expect(gateway.ends).toEqual(['cleared', 'ended']);
  });

  it('is not asked again when the packets are used up', async () => {
    const { gateway } = await probe(() => undefined, { budget: 1 });
    expect(gateway.ends).toEqual(['cleared']);
  });

  it('may answer something that does not parse', async () => {
    const { facts, gateway } = await probe(() => [
      { type: 'unknown', payloadType: 33, body: Uint8Array.of(1) },
    ]);
    expect(facts.eap.value).toBeUndefined();
    expect(gateway.ends).toEqual(['cleared']);
  });

  it('may let no SA be opened', async () => {
    const { facts, asker } = await probe(eapGateway(), { most: 0 });
    expect(facts.eap).toMatchObject({ value: undefined, note: 'no SA could be opened to ask in' });
    expect(asker.sent).toEqual([]);
  });

  it('that lets us in without any proof is left again', async () => {
    const seen: number[] = [];
    const { gateway } = await probe((request, { exchangeType }) => {
      seen.push(exchangeType);
      if (exchangeType === 37) return [];
      return [
        { type: 36, ...gatewayId },
        { type: 39, method: 13, data: new Uint8Array(32) },
        ...request.slice(-1),
      ];
    });
    expect(seen).toEqual([35, 37]);
    expect(gateway.ends).toEqual(['ended']);
  });

  it('is not believed without its key', async () => {
    const gateway = authGateway({ answer: eapGateway() });
    const asker = directAsker((datagram) =>
      gateway.handle(datagram).map((reply) => {
        const forged = reply.slice();
        forged[forged.length - 1]! ^= 1;
        return forged;
      }),
    );
    const facts = await probeAuth(asker, gateway.opener, {
      transforms: suite,
      identity: undefined,
      trust: undefined,
    });
    expect(facts.eap.value).toBeUndefined();
  });
});

describe('identities', () => {
  const alice = parseIdentity('alice@example.com');

  it('are not compared unless one is given', async () => {
    const { facts, gateway } = await probe(eapGateway());
    expect(facts.identityOracle).toBeUndefined();
    expect(gateway.ends).toHaveLength(1);
  });

  it('are all the same to a gateway that answers alike', async () => {
    const { facts, gateway } = await probe(eapGateway(), { identity: alice });
    expect(facts.identityOracle).toMatchObject({ value: false, note: 'both identities got the same: EAP' });
    expect(gateway.ends).toEqual(['ended', 'ended']);
  });

  it('are told apart by a gateway that starts EAP for known ones only', async () => {
    const { facts } = await probe(
      (request, context) => {
        const id = request.find(({ type }) => type === 35);
        const known = id?.type === 35 && toHex(id.data) === toHex(alice!.data);
        return context.messageId > 1 || known ? eapGateway()(request, context) : [FAILED];
      },
      { identity: alice },
    );
    expect(facts.identityOracle).toMatchObject({
      value: true,
      note: 'EAP for the given identity, AUTHENTICATION_FAILED for one that nobody has',
    });
  });

  it('are told apart by a gateway with keys only', async () => {
    const { facts } = await probe(
      (request) => {
        const id = request.find(({ type }) => type === 35);
        const known = id?.type === 35 && toHex(id.data) === toHex(alice!.data);
        return [known || !request.some(({ type }) => type === 39) ? FAILED : notify(46)];
      },
      { identity: alice },
    );
    expect(facts.eap.value).toBe(false);
    expect(facts.identityOracle?.value).toBe(true);
  });

  it('say nothing where one stays unanswered', async () => {
    const { facts } = await probe(
      (request, context) => {
        const id = request.find(({ type }) => type === 35);
        const known = id?.type === 35 && toHex(id.data) === toHex(alice!.data);
        return context.messageId > 1 || known ? eapGateway()(request, context) : undefined;
      },
      { identity: alice },
    );
    expect(facts.identityOracle?.value).toBeUndefined();
  });
});
