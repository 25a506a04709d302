import { describe, expect, it } from 'vitest';
import { KitError } from '../../../src/lib/core/errors.js';
import { Secret } from '../../../src/lib/core/secret.js';
import { checkPskForConnecting, checkPskForServing } from '../../../src/lib/psk/policy.js';

const weak = Secret.fromText('Sommer-vpn-1');
const fair = new Secret(Buffer.from('e544c866b9adee41', 'hex'));
const strong = Secret.fromText('kpecs6atq2inp5v8yywuk8rqzz8kzhiaubagmpumarbsbn3pxxbd');

const holds = /rogue gateway.*holds about [\d,.]+ \w+ against one graphics card\.$/;

describe('serving', () => {
  it('refuses a weak key, says how long it holds and what to do', async () => {
    const refusal = await checkPskForServing(weak, { weakOk: false }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(KitError);
    expect(refusal).toMatchObject({
      code: 'E_PSK_WEAK',
      exitCode: 2,
      message: expect.stringMatching(holds),
      hint: expect.stringContaining('ipsec-kit psk generate'),
    });
    expect(refusal).toMatchObject({ hint: expect.stringContaining('--weak-psk-ok') });
    expect(String(refusal)).not.toMatch(/sommer/i);
  });

  it('takes it knowingly, with the same sentence as a warning', async () => {
    expect(await checkPskForServing(weak, { weakOk: true })).toEqual({
      warning: expect.stringMatching(holds),
    });
  });

  it('warns of a fair one, and has nothing to say about a strong one', async () => {
    expect((await checkPskForServing(fair, { weakOk: false })).warning).toMatch(
      /only fair.*about 2\.9 years/,
    );
    expect(await checkPskForServing(strong, { weakOk: false })).toEqual({ warning: undefined });
  });

  it('looks at the names of the connection', async () => {
    const named = Secret.fromText('Oberwildegger-Tor-58');
    expect((await checkPskForServing(named, { weakOk: false })).warning).toBeDefined();
    await expect(
      checkPskForServing(named, { weakOk: false, related: ['oberwildegger.example'] }),
    ).rejects.toThrow(/guessable/);
  });
});

describe('connecting', () => {
  it('warns of a weak key and never refuses', async () => {
    const { warning } = await checkPskForConnecting(weak);
    expect(warning).toMatch(/guessable.*holds about/);
    expect(warning).toContain('ipsec-kit psk generate');
  });

  it('says nothing about the others', async () => {
    expect(await checkPskForConnecting(fair)).toEqual({ warning: undefined });
    expect(await checkPskForConnecting(strong, { related: ['vpn.example.com'] })).toEqual({
      warning: undefined,
    });
  });
});
