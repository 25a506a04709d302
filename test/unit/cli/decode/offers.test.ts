import { describe, expect, it } from 'vitest';
import { buildReport } from '../../../../src/cli/decode/report.js';
import { CaptureDecoder } from '../../../../src/lib/capture/decode.js';
import { PacketFilter } from '../../../../src/lib/capture/packet-filter.js';
import { NotifyType, notify } from '../../../../src/lib/ike/wire/notify.js';
import type { Payload } from '../../../../src/lib/ike/wire/types.js';
import { authRequest, authResponse, ke, nonce, sa, Talk } from '../../capture/analyse/build.js';

const offer = 'aes256gcm16-aes128gcm16-prfsha512-prfsha256-x25519-ecp256,aes256-sha256-modp2048';
const SHORT = '2 proposals, preferring AES_GCM_16-256 / PRF_HMAC_SHA2_512 / Curve25519 with';
const WHOLE = '2 proposals (AES_GCM_16-256 or AES_GCM_16-128 / ';

function stories(answer: Payload[], verbose = false): string[] {
  const talk = new Talk();
  talk.init(false, [sa(offer), ke(31), nonce]);
  talk.init(true, answer);
  talk.auth(
    1,
    false,
    authRequest().map((payload) => (payload.type === 33 ? sa('aes256gcm16-esn', 3, 'c0000001') : payload)),
  );
  talk.auth(1, true, authResponse());
  const { summary, ...empty } = new CaptureDecoder().finish();
  const report = talk.report();
  const result = { ...empty, ...report, summary: { ...summary, first: report.first!.time } };
  return buildReport('', result, new PacketFilter([]), verbose).sections[0]!.steps.map(({ story }) => story);
}

describe('what was offered', () => {
  const accepted = [sa('aes256gcm16-prfsha512-x25519'), ke(31), nonce];
  it.each([
    ['in short when it was accepted', accepted, false, SHORT],
    ['whole on demand', accepted, true, WHOLE],
    ['whole when it was refused', [notify(NotifyType.NO_PROPOSAL_CHOSEN)], false, WHOLE],
  ])('is told %s', (_, answer, verbose, words) => {
    expect(stories(answer, verbose)[0]).toContain(words);
  });

  it('calls extended sequence numbers ESN', () => {
    expect(stories(accepted)[1]).toContain('offers one proposal (AES_GCM_16-256 / ESN) for traffic');
  });
});
