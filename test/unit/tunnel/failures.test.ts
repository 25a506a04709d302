import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { parseProposals } from '../../../src/lib/ike/proposals.js';
import { type Attempt, connectFailure, internalError } from '../../../src/lib/tunnel/failures.js';

const attempt: Attempt = {
  gateway: 'vpn.example.com',
  address: '192.0.2.9',
  port: 500,
  natPort: 4500,
  ikeProposals: parseProposals('aes256gcm16-prfsha256-x25519', 1),
  espProposals: parseProposals('aes128-sha256', 3),
  heard: false,
  heardNatT: false,
  movedToNatT: false,
};
const silence = new KitError('network', 'E_NO_ANSWER', 'the peer does not answer');

describe('connectFailure', () => {
  it('tells which port stayed silent', () => {
    expect(connectFailure(silence, attempt)).toMatchObject({
      kind: 'network',
      code: 'E_NO_ANSWER',
      message: 'vpn.example.com (192.0.2.9) did not answer: nothing came from UDP 192.0.2.9:500',
      hint: expect.stringMatching(/firewall.* 500 and 4500/),
    });
    expect(connectFailure(silence, { ...attempt, heard: true, movedToNatT: true }).message).toBe(
      'vpn.example.com (192.0.2.9) answered on UDP 192.0.2.9:500, but nothing came from UDP 192.0.2.9:4500',
    );
    expect(
      connectFailure(silence, { ...attempt, heard: true, heardNatT: true, movedToNatT: true }).message,
    ).toBe('vpn.example.com (192.0.2.9) stopped answering on UDP 192.0.2.9:4500 before the tunnel was up');
  });

  it('says what was offered when no proposal was acceptable', () => {
    const ike = new KitError(
      'refused',
      'E_NO_PROPOSAL_CHOSEN',
      'the peer accepts none of the offered IKE SA proposals',
    );
    expect(connectFailure(ike, { ...attempt, gateway: '192.0.2.9' })).toMatchObject({
      message: 'Cannot connect to 192.0.2.9: the peer accepts none of the offered IKE SA proposals',
      hint: 'Offer what the gateway is configured for with --ike; offered was aes256gcm16-prfsha256-x25519.',
    });
    const child = new KitError(
      'refused',
      'E_NO_PROPOSAL_CHOSEN',
      'The peer accepts none of the child SA proposals',
    );
    expect(connectFailure(child, attempt)).toMatchObject({
      message: expect.stringContaining(': the peer accepts none'),
      hint: expect.stringMatching(/--esp; offered was aes128-sha256/),
    });
  });

  it('keeps the hint of other refusals', () => {
    const error = new KitError('refused', 'E_AUTHENTICATION_FAILED', 'PSK or identity differ', {
      hint: 'Check.',
    });
    expect(connectFailure(error, attempt)).toMatchObject({
      kind: 'refused',
      message: 'Cannot connect to vpn.example.com (192.0.2.9): PSK or identity differ',
      hint: 'Check.',
    });
  });

  it('leaves errors alone that are not about the gateway', () => {
    for (const kind of ['usage', 'environment', 'bug'] as const) {
      const error = new KitError(kind, 'E_ANY', 'Something');
      expect(connectFailure(error, attempt)).toBe(error);
    }
    const unresolved = new KitError('network', 'E_RESOLVE', 'The name cannot be resolved');
    expect(connectFailure(unresolved, attempt)).toBe(unresolved);
  });
});

describe('internalError', () => {
  it('is a bug with its cause', () => {
    const cause = new TypeError('x is undefined');
    expect(internalError(cause)).toMatchObject({ kind: 'bug', code: 'E_INTERNAL', cause });
    expect(internalError('text').message).toContain('text');
  });
});
