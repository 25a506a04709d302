import { expect, test } from 'vitest';
import { Conversations } from '../../../../src/lib/capture/analyse/conversations.js';
import { diagnose } from '../../../../src/lib/capture/analyse/diagnose.js';
import { describeMessage } from '../../../../src/lib/capture/describe/describe.js';
import type { DecodedPacket, Unit } from '../../../../src/lib/capture/types.js';
import { encodeMessage } from '../../../../src/lib/ike/wire/message.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { createRandom, mutate } from '../../../fuzz/mutate.js';
import { authRequest, authResponse, IKE_SUITE, ke, natd, nonce, SPI_I, SPI_R, sa, Talk } from './build.js';

const { i, r } = new Talk();

function message(
  exchangeType: number,
  messageId: number,
  isResponse: boolean,
  payloads: Payload[],
): Uint8Array {
  const header = {
    initiatorSpi: SPI_I,
    responderSpi: exchangeType === 34 && !isResponse ? 0n : SPI_R,
    majorVersion: 2,
    minorVersion: 0,
    exchangeType,
    fromInitiator: !isResponse,
    isResponse,
    higherVersion: false,
    messageId,
  };
  return encodeMessage(header, payloads);
}

const samples = [
  message(34, 0, false, [sa(IKE_SUITE), ke(31), nonce, ...natd(i, r)]),
  message(34, 0, true, [sa(IKE_SUITE), ke(31), nonce, ...natd(r, i, SPI_R)]),
  message(34, 0, true, [notify(NotifyType.INVALID_KE_PAYLOAD, Uint8Array.of(0, 19))]),
  message(35, 1, false, authRequest()),
  message(35, 1, true, authResponse()),
  message(36, 2, false, [sa('aes256gcm16-x25519', 3, 'c0000003'), nonce, ke(31)]),
  message(37, 3, false, [{ type: 42, protocolId: 3, spiSize: 4, spis: [new Uint8Array(4)] }]),
];

/** Mutations change SPIs, versions, exchange types and payloads, so all of it is exercised in all orders. */
test('mutated messages never break the analysis, and what it keeps is bounded', () => {
  const random = createRandom(20_270_102);
  const limits = { ikeSas: 200, exchangesPerSa: 20, exchanges: 500, childSas: 100, flows: 50 };
  let conversations = new Conversations(limits);
  for (let frame = 1; frame <= 30_000; frame++) {
    const data = mutate(samples, random);
    const { ike } = describeMessage(data);
    const [src, dst] = random(2) === 0 ? [i, r] : [r, i];
    const decrypted = random(4) > 0;
    const packet: DecodedPacket = {
      frame,
      time: '2027-01-02T03:04:05.000000000Z',
      src: `${src.address}:500`,
      dst: `${dst.address}:500`,
      protocol: ike.version === 1 ? 'IKEv1' : 'IKEv2',
      length: data.length,
      decrypted,
      icv: decrypted ? 'good' : 'none',
      ike,
    };
    const unit = {
      frame,
      time: BigInt(frame),
      src,
      dst,
      carrier: 'udp',
      kind: 'ike',
      encapsulated: false,
      data,
      ip: data,
    };
    conversations.add(packet, unit as Unit);
    if (frame % 5000 !== 0) continue;
    const report = conversations.finish();
    expect(report.ikeSas.length).toBeLessThanOrEqual(limits.ikeSas);
    const kept = report.ikeSas.flatMap(({ exchanges }) => exchanges);
    expect(kept.length).toBeLessThanOrEqual(limits.exchanges + limits.ikeSas);
    for (const { frames } of diagnose(conversations, [])) expect(frames.length).toBeLessThanOrEqual(32);
    conversations = new Conversations(limits);
  }
});
