import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, expect, it } from 'vitest';
import { toHex } from '../../src/lib/core/bytes.js';
import { Secret } from '../../src/lib/core/secret.js';
import { createEapAuthenticator } from '../../src/lib/ike/auth/eap/authenticator.js';
import { decodeEap, EapCode } from '../../src/lib/ike/auth/eap/codec.js';
import { createAttemptLimiter } from '../../src/lib/ike/auth/eap/limiter.js';
import { createEapPeer } from '../../src/lib/ike/auth/eap/peer.js';
import type { EapAuthenticator, EapPeer, EapStep } from '../../src/lib/ike/auth/types.js';
import { type TlsParties, tlsParties, users } from '../unit/ike/eap/converse.js';
import { createRandom } from './mutate.js';

const count = Number(process.env.IPSEC_KIT_FUZZ_COUNT ?? 200_000);
const baseSeed = Number(process.env.IPSEC_KIT_FUZZ_SEED ?? 3748);
/** Of so many changed packets, one goes into EAP-TLS, which takes a hundred times as long. */
const TLS_SHARE = 50;
const HEAP_BOUND = 32 * 1024 * 1024;
const ENOUGH_ROUNDS = 200;

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

let parties: TlsParties;
beforeAll(async () => {
  parties = await tlsParties();
});

type Method = 'mschapv2' | 'md5' | 'tls';
type Random = ReturnType<typeof createRandom>;

/** The client's password is not the one that the server has: neither side may ever believe the other. */
function sides(method: Method, fragmentBytes: number): { client: EapPeer; server: EapAuthenticator } {
  const never = () => {
    throw new Error('not trusted');
  };
  const trusting = () => {};
  return {
    client: createEapPeer({
      method,
      user: 'alice',
      password: Secret.fromText('wrong'),
      tls: { ...parties.client, fragmentBytes, validateServer: trusting },
    }),
    server: createEapAuthenticator({
      methods: method === 'tls' ? ['tls'] : ['md5', 'mschapv2'],
      users,
      limiter: createAttemptLimiter({ now: () => 0 }),
      tls: { ...parties.server, fragmentBytes, validateClient: never },
    }),
  };
}

const interesting = [0, 1, 2, 3, 4, 5, 13, 16, 20, 22, 23, 25, 26, 49, 0x20, 0x40, 0x80, 0xc0, 0xfe, 0xff];

/** One to three changes; three times in four the length is made to fit again. */
function change(packet: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let data = packet.slice();
  for (let left = random(3); left >= 0; left--) {
    const at = random(data.length + 1);
    switch (random(6)) {
      case 0:
        if (at < data.length) data[at]! ^= 1 << random(8);
        break;
      case 1:
        if (at < data.length) data[at] = interesting[random(interesting.length)]!;
        break;
      case 2:
        data = data.slice(0, at);
        break;
      case 3:
        data = Uint8Array.of(...data.subarray(0, at), ...data.subarray(at + random(20)));
        break;
      case 4:
        data = Uint8Array.of(...data.subarray(0, at), random(256), random(256), ...data.subarray(at));
        break;
      default:
        data = Uint8Array.of(...data.subarray(0, at), ...others[random(others.length)]!.subarray(at));
    }
  }
  if (data.length >= 4 && random(4) > 0) {
    new DataView(data.buffer).setUint16(2, Math.min(data.length, 0xffff));
  }
  return data;
}

/** What has to hold of every step. */
function examine(step: EapStep, role: 'client' | 'server'): void {
  if (step.type === 'success') {
    // MD5 proves nothing to the client.
    if (role === 'client' && step.method === 'eap-md5') return;
    throw new Error(`the ${role} believes what is not true`);
  }
  if (role === 'client' && step.type === 'failure') {
    if (step.message.length > 0) throw new Error('the client has more to say');
    return;
  }
  const { code } = decodeEap(step.message);
  const expected =
    role === 'client' ? EapCode.Response : step.type === 'send' ? EapCode.Request : EapCode.Failure;
  if (code !== expected) throw new Error(`the ${role} sends code ${code}`);
  if (step.type === 'failure' && step.error.code === 'E_EAP_BUG') throw step.error.cause;
}

const seen: Uint8Array[] = [Uint8Array.of(1, 0, 0, 5, 1)];
const outcomes = { went: 0, failed: 0 };

/** One conversation with changed packets in it. @returns how many */
async function converseBadly(method: Method, random: Random): Promise<number> {
  const { client, server } = sides(method, [64, 300, 4000][random(3)]!);
  let changed = 0;
  const carry = (packet: Uint8Array) => {
    if (seen.length < 2000) seen.push(packet);
    if (random(3) > 0) return packet;
    changed++;
    return change(packet, seen, random);
  };
  let said: EapStep = await server.start('192.0.2.1');
  for (let round = 0; round < ENOUGH_ROUNDS; round++) {
    const answer = await client.step(carry(said.message));
    examine(answer, 'client');
    if (answer.type !== 'send') break;
    said = await server.step(carry(answer.message));
    examine(said, 'server');
    if (said.type !== 'send') break;
  }
  outcomes[said.type === 'send' ? 'went' : 'failed']++;
  client.close();
  server.close();
  return changed;
}

it(`takes ${count} changed EAP packets in both roles and believes none`, { timeout: 600_000 }, async () => {
  let heapBefore = 0;
  for (let done = 0, conversations = 0; done < count; conversations++) {
    if (conversations === 5000) heapBefore = heapUsed();
    const seed = (baseSeed + conversations) >>> 0;
    const random = createRandom(seed);
    const method: Method = random(TLS_SHARE) === 0 ? 'tls' : random(2) === 0 ? 'mschapv2' : 'md5';
    try {
      done += await converseBadly(method, random);
    } catch (error) {
      const packets = seen.slice(-4).map(toHex).join('\n');
      throw new Error(`IPSEC_KIT_FUZZ_SEED=${seed} (${method}): ${String(error)}\n${packets}`, {
        cause: error,
      });
    }
  }
  if (heapBefore > 0) expect(heapUsed() - heapBefore).toBeLessThan(HEAP_BOUND);
  // Both sides have to end conversations, or the changes are too rough or too gentle to test anything.
  if (count >= 1000) expect(Math.min(outcomes.went, outcomes.failed)).toBeGreaterThan(count / 100);
});

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
