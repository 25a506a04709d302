import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { gradeTone, targetView, type ViewOptions } from '../../../../src/cli/probe/build-view.js';
import { algorithmLevel } from '../../../../src/cli/probe/protocol-views.js';
import { renderMarkdown } from '../../../../src/cli/probe/render-markdown.js';
import { renderText } from '../../../../src/cli/probe/render-text.js';
import type { TargetFacts } from '../../../../src/lib/probe/types.js';
import type { ProbeTargetReport } from '../../../../src/lib/report/probe-document.js';
import { weakCertificate } from '../../probe/checks/facts.js';
import {
  byKind,
  compareProbes,
  EVIL,
  facts,
  finding,
  ikev2,
  open,
  pass,
  seen,
  silent,
  target,
  tripleDes,
} from './reports.js';

const ESCAPE = String.fromCharCode(27);

function text(
  report: ProbeTargetReport,
  options: Partial<ViewOptions> & { columns?: number; level?: 0 | 1 } = {},
): string {
  const { columns = 100, level = 0, ...rest } = options;
  return renderText(targetView(report, { verbose: false, ...rest }), {
    columns,
    paint: new Chalk({ level }),
  });
}

const markdown = (report: ProbeTargetReport, options: Partial<ViewOptions> = {}): string =>
  renderMarkdown(targetView(report, { verbose: false, ...options }));

/** Everything that a gateway can write into a report, written by somebody who means ill. */
const evil = target({
  facts: facts({
    host: 'vpn.example.com',
    limits: [EVIL],
    vendorIds: [{ hex: '00', name: EVIL, version: EVIL }],
    fingerprint: { implementation: EVIL, version: EVIL, confidence: 1, reasons: [EVIL] },
    ikev1: {
      enabled: seen(true),
      mainMode: [],
      aggressiveMode: [],
      aggressiveIdentity: EVIL,
      aggressiveHash: undefined,
      inconclusive: [EVIL],
      halfOpenLeft: 0,
    },
    auth: {
      eap: seen(true),
      responderMethod: seen('certificate' as const),
      identity: EVIL,
      certificates: [],
      signature: seen(EVIL),
      problems: [{ code: 'E_X', message: EVIL }],
    },
    log: [{ number: 1, at: 0, direction: 'received', bytes: 1, summary: EVIL }],
  }),
  findings: [
    finding({
      title: EVIL,
      evidence: [EVIL],
      references: [EVIL],
      remediation: { text: EVIL, strongswan: `${EVIL}\n\`\`\`` },
    }),
    finding({ id: 'IKE-VID-001', status: 'pass', evidence: [EVIL], remediation: undefined }),
  ],
  grade: { letter: 'C', reasons: [EVIL] },
  proposal: EVIL.replaceAll('\n', ' '),
});

describe('text', () => {
  it('says how many SAs of IKEv1 nobody confirmed the end of', () => {
    const left = (halfOpenLeft: number): string =>
      text(target({ facts: facts({ ikev1: { ...facts().ikev1!, halfOpenLeft } }) }), { columns: 200 });
    expect(left(3)).toContain('0 half-open SAs left; 3 IKEv1 SAs perhaps left to expire');
    expect(left(0)).not.toContain('IKEv1 SA');
  });

  it('reads from the grade over findings to what to paste', () => {
    expect(text(target(), { columns: 100 })).toMatchInlineSnapshot(`
      "vpn.example.com (192.0.2.1), UDP port 500

        grade       C  IKE-ENC-002: 3DES is accepted.
        target      answers IKE
        versions    IKEv2; IKEv1 too
        ports       IKE open, behind NAT open, TCP closed
        prefers     AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519 / ml-kem-768
        software    strongSwan 5.9 (80 % sure: its vendor id)
        findings    1 medium, 1 low; 1 passed
        packets     40 sent (31 kB), 38 received (4,321 bytes); 0 half-open SAs left

      Findings

        MEDIUM    IKE-ENC-002  3DES is accepted
          IKEv2 accepts ENCR_3DES (packets 3 and 4).
          → Take 3des out of the proposals. What to paste stands at the end.
          RFC 8247 2.1, CVE-2016-2183

        LOW       IKE-INT-002  SHA-1 is accepted
          IKEv2 accepts ENCR_3DES (packets 3 and 4).
          → Take 3des out of the proposals. What to paste stands at the end.
          RFC 8247 2.1, CVE-2016-2183

      IKEv2 algorithms that are accepted
        ┌─────────────────────────┬─────────────────────┬──────┬────────────┬───────────┬───────────┐
        │ for                     │ algorithm           │ IANA │ RFC 8247   │ judgement │           │
        ├─────────────────────────┼─────────────────────┼──────┼────────────┼───────────┼───────────┤
        │ encryption              │ AES_GCM_16-256      │ 20   │ SHOULD     │ good      │ preferred │
        │                         │ 3DES                │ 3    │ MAY        │ medium    │           │
        │ pseudorandom function   │ HMAC_SHA2_256       │ 5    │ MUST       │ good      │ preferred │
        │ integrity               │ HMAC_SHA1_96        │ 2    │ MUST-      │ low       │           │
        │ key exchange            │ Curve25519          │ 31   │            │ good      │ preferred │
        │                         │ 1024-bit MODP Group │ 2    │ SHOULD NOT │ high      │           │
        │ additional key exchange │ ml-kem-768          │ 36   │            │ good      │ preferred │
        └─────────────────────────┴─────────────────────┴──────┴────────────┴───────────┴───────────┘

      Confirmed suites (all of them)
        AES_GCM_16-256 / PRF_HMAC_SHA2_256 / Curve25519 / ml-kem-768
        3DES / HMAC_SHA1_96 / PRF_HMAC_SHA2_256 / 1024-bit MODP Group

      Groups it asked for
        Curve25519 instead of 1024-bit MODP Group with 160-bit Prime Order Subgroup, of 1024-bit MODP
          Group and Curve25519

      Capabilities
        fragmentation (RFC 7383)                yes
        signature hashes (RFC 7427)             SHA2-256, SHA2-384
        IKE_INTERMEDIATE (RFC 9242)             yes
        post-quantum pre-shared keys (RFC 8784) no
        childless IKE SAs (RFC 6023)            no
        redirect (RFC 5685)                     no
        downgrade prevention (notify 16447)     no
        multiple authentication (RFC 4739)      no
        NAT detection                           yes
        multiple key exchanges (RFC 9370)       yes
        names certificate authorities           none
        cookies                                 never

      IKEv1
        calls itself gw.example.com
        gave away    a hash (sha1) of its pre-shared key, which anybody can guess at offline; --save-hash
                     keeps it
        ┌──────┬─────────────┬──────────┬────────────────┬─────────────────────┐
        │ mode │ encryption  │ hash     │ authentication │ group               │
        ├──────┼─────────────┼──────────┼────────────────┼─────────────────────┤
        │ Main │ AES-CBC-256 │ SHA2-256 │ PSK            │ 1024-bit MODP Group │
        └──────┴─────────────┴──────────┴────────────────┴─────────────────────┘

      Vendor ids
        ┌────────────┬──────────────────────────────────┐
        │ name       │ as received                      │
        ├────────────┼──────────────────────────────────┤
        │ strongSwan │ 882fe56d6fd20dbc2251613b2ebe5beb │
        └────────────┴──────────────────────────────────┘

      What to paste (strongSwan, connections.<name>)
        proposals = aes256gcm16-prfsha256-x25519
      "
    `);
  });

  it('says little of a target that does not answer, and nothing of checks', () => {
    expect(text(silent())).toMatchInlineSnapshot(`
      "silent.example.com (192.0.2.9), UDP port 500

        grade       ?  The target does not answer IKE.
        target      does not answer
        packets     4 sent (3,200 bytes), 0 received (0 bytes)
      "
    `);
    const unresolved = text(silent('unresolved'));
    expect(unresolved).toContain('has no address');
    expect(unresolved).toContain('there is no such name');
    expect(unresolved).not.toContain('Findings');
  });

  it('puts grave findings first, whatever their order', () => {
    const severities = ['info', 'critical', 'low', 'high', 'medium'] as const;
    const said = text(
      target({ findings: severities.map((severity) => finding({ severity, title: `is ${severity}` })) }),
    );
    const order = [...said.matchAll(/is (critical|high|medium|low|info)$/gm)].map(([, severity]) => severity);
    expect(order).toEqual(['critical', 'high', 'medium', 'low', 'info']);
    expect(said).toContain('1 critical, 1 high, 1 medium, 1 low, 1 info');
  });

  it('shows passed and skipped checks and packets only when it is to be verbose', () => {
    const skipped = finding({ id: 'IKE-DOS-002', status: 'skipped', evidence: ['Only with --active.'] });
    const report = target({ findings: [pass, skipped] });
    expect(text(report)).not.toMatch(/IKE-DOS-002|IKE-VER-001|IKE_SA_INIT, everything/);
    expect(text(report)).toContain('None.');
    const verbose = text(report, { verbose: true });
    expect(verbose).toMatch(/IKE-VER-001.*pass/);
    expect(verbose).toMatch(/IKE-DOS-002.*skipped.*Only with --active/);
    expect(verbose).toMatch(/1 .*0\.000 s.*→.*800.*IKE_SA_INIT, everything/);
  });

  it('shows what stayed open, with the reason', () => {
    const said = text(
      target({ findings: [open], facts: facts({ limits: ['the packet budget of 20 is used up'] }) }),
    );
    const [, section = ''] = said.split('Not found out\n');
    expect(section).toContain('the packet budget of 20 is used up');
    expect(section).toContain('IKE-META-001, Completeness of the run: The gateway stopped answering us.');
  });

  it('counts the groups of a large offer that a gateway asked for one of', () => {
    const offered = [14, 15, 16, 19, 20, 31];
    const steering = [{ offered, sent: 22, wanted: 31, packets: [3, 4] }];
    const said = text(target({ facts: facts({ ikev2: ikev2({ steering }) }) }), { columns: 140 });
    expect(said).toMatch(/Curve25519 instead of .*, of 6 that were offered$/m);
  });

  it('repeats no configuration that the report ends with', () => {
    const config = 'proposals = aes256gcm16-prfsha256-x25519';
    expect(text(target()).split(config)).toHaveLength(2);
    const other = finding({ remediation: { text: 'x', strongswan: 'ppk_required = yes' } });
    expect(text(target({ findings: [other] }))).toContain('\n        ppk_required = yes\n');
  });

  it('cuts no name in a narrow terminal: rows of a table that is too wide become lines', () => {
    const accepted = byKind({
      encr: [{ id: 12, keyLength: 256, name: 'ENCR_AES_CBC' }],
      integ: [{ id: 12, name: 'AUTH_HMAC_SHA2_256_128' }],
    });
    const report = target({ facts: facts({ ikev2: ikev2({ accepted }) }) });
    const narrow = text(report, { columns: 60 });
    expect(narrow).toContain('  integrity, HMAC_SHA2_256_128, 12, MUST, good');
    expect(narrow).toMatch(/^ {2}encryption, AES_CBC-256, 12/m);
    expect(text(report, { columns: 100 })).toMatch(/│ integrity +│ HMAC_SHA2_256_128 +│/);
  });

  it('stays within the terminal', () => {
    const names = { encr: [{ id: 1, name: `ENCR_${'X'.repeat(90)}` }] };
    const report = target({ facts: facts({ ikev2: ikev2({ accepted: byKind(names) }) }) });
    for (const columns of [60, 80, 100, 200]) {
      for (const line of text(report, { columns }).split('\n')) {
        expect(line.length, line).toBeLessThanOrEqual(Math.min(columns, 140));
      }
    }
  });

  it('has colours only when they are wanted', () => {
    const coloured = text(target(), { level: 1 });
    expect(coloured).toContain(`${ESCAPE}[33m3DES`);
    expect(coloured).toContain(`${ESCAPE}[32mAES_GCM_16-256`);
    expect(coloured.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '')).toBe(text(target()));
  });

  it('escapes whatever comes from outside', () => {
    for (const changes of [undefined, compareProbes([target()], [evil])[0]]) {
      const said = text(evil, { verbose: true, changes });
      expect([...said].filter((character) => character !== '\n' && /\p{C}/u.test(character))).toEqual([]);
      expect(said).toContain('\\x1b[2J');
    }
  });
});

describe('protocol parts', () => {
  const withFacts = (changes: Partial<TargetFacts>): string => text(target({ facts: facts(changes) }));

  it('show IKEv1 modes and the hash that was given away', () => {
    const said = text(target());
    expect(said).toMatch(/Main .* AES-CBC-256 .* SHA2-256 .* PSK .* 1024-bit MODP Group/);
    expect(said).toContain('a hash (sha1) of its pre-shared key');
    expect(withFacts({ ikev1: { ...facts().ikev1!, enabled: seen(false) } })).toContain(
      'no offer of IKEv1 is accepted',
    );
  });

  it('show how a gateway proves itself', () => {
    const said = withFacts({
      auth: {
        eap: seen(true),
        responderMethod: seen('certificate' as const),
        identity: 'vpn.example.com',
        certificates: [weakCertificate(), Uint8Array.of(0)],
        signature: seen('RSA with SHA-1'),
        problems: [{ code: 'E_CERT_EXPIRED', message: 'It expired.' }],
      },
    });
    expect(said).toContain('It expired. (E_CERT_EXPIRED)');
    expect(said).toContain('CN=old');
    expect(said).toContain('cannot be read');
    expect(said).not.toContain('leads to a trusted CA');
  });

  it('show what active checks found', () => {
    const said = withFacts({
      active: {
        invalidPublicValue: seen([]),
        cookiesUnderLoad: seen(false),
        pskGuesses: seen({ tried: 12, foundLine: 12 }),
      },
    });
    expect(said).toMatch(/invalid public values +refused/);
    expect(said).toMatch(/cookies under load +no/);
    expect(said).toContain('it is line 12 of the word list');
  });

  it('say so when no offer was accepted at all', () => {
    expect(withFacts({ ikev2: ikev2({ accepted: byKind(), suites: [], preferred: undefined }) })).toContain(
      'No offer was accepted',
    );
  });

  it('list forty suites and count the rest', () => {
    const [suite] = ikev2().suites;
    const said = withFacts({ ikev2: ikev2({ suites: Array.from({ length: 45 }, () => suite!) }) });
    expect(said).toContain('and 5 more; --format json has all');
  });
});

describe('levels', () => {
  it.each([
    ['encr', 20, 'SHOULD', 'good'],
    ['encr', 3, 'MAY', 'warn'],
    ['encr', 2, 'MUST NOT', 'bad'],
    ['prf', 2, 'MUST-', 'warn'],
    ['integ', 1, 'MUST NOT', 'bad'],
    ['ke', 14, 'MUST', 'good'],
    ['ke', 2, 'SHOULD NOT', 'bad'],
    ['ke', 20, 'unlisted', 'good'],
    ['ke', 31, 'unlisted', 'good'],
    ['addke', 36, 'unlisted', 'good'],
    ['encr', 23, 'unlisted', 'plain'],
    ['encr', 999, 'unlisted', 'plain'],
  ] as const)('%s %i is %s and shown as %s', (kind, id, level, tone) => {
    expect(algorithmLevel(kind, id)).toMatchObject({ level, tone });
  });

  it.each([
    ['A+', 'good'],
    ['B', 'good'],
    ['C', 'warn'],
    ['D', 'bad'],
    ['F', 'bad'],
    ['?', 'warn'],
  ] as const)('grade %s is %s', (grade, tone) => expect(gradeTone(grade)).toBe(tone));
});

describe('changes', () => {
  const before = target({ findings: [finding({ id: 'IKE-INT-002' })], grade: { letter: 'B', reasons: [] } });
  const after = target({
    facts: facts({ ikev2: ikev2({ accepted: byKind({ encr: [tripleDes] }), inconclusive: byKind() }) }),
    findings: [finding({ id: 'IKE-INT-002', status: 'pass' }), finding()],
  });
  const [changes] = compareProbes([before], [after]);

  it('are shown first, or alone', () => {
    const said = text(after, { changes });
    expect(said).toContain('grade: B → C');
    expect(said).toContain('finding, not known before: medium IKE-ENC-002');
    expect(said).toContain('gone: medium IKE-INT-002');
    expect(said).toContain('no longer accepted, encryption: AES_GCM_16-256');
    expect(said).toContain('What to paste');
    const alone = text(after, { changes, changesOnly: true });
    expect(alone).toContain('grade: B → C');
    expect(alone).not.toMatch(/What to paste|Findings|Capabilities/);
  });

  it('are said to be none, or not to be known', () => {
    const [worse] = compareProbes(
      [target({ findings: [finding({ severity: 'low' })] })],
      [target({ findings: [finding({ severity: 'high' })] })],
    );
    expect(text(after, { changes: worse })).toContain('worse: low → high IKE-ENC-002, 3DES is accepted');
    const [none] = compareProbes([after], [after]);
    expect(text(after, { changes: none, changesOnly: true })).toContain('Nothing.');
    const [added] = compareProbes([], [after]);
    expect(text(after, { changes: added, changesOnly: true })).toContain('does not have this target');
    const [perhaps] = compareProbes([after], [target({ findings: [open] })]);
    expect(text(after, { changes: perhaps })).toContain(
      'Not known in one of the two runs: finding IKE-ENC-002.',
    );
  });
});

describe('Markdown', () => {
  it('lets no text become markup, a link or somebody else’s ticket', () => {
    const said = markdown(evil, { verbose: true });
    const [, code = ''] = said.split('\n```');
    expect(code).toBeDefined();
    // Outside of code there is nothing left that Markdown would act on.
    const outside = said.replaceAll(/^( *)(`{3,})\n[\s\S]*?\n\1\2$/gm, '');
    expect(outside).not.toMatch(/<b>|[^\\]`|[^\\]\*\||#7|@me|http:\/\//);
    expect(outside).toContain('&lt;b&gt;');
    expect(said).not.toContain(ESCAPE);
  });

  it('keeps code in one block, whatever is in it', () => {
    const config = 'a\n````\nb';
    const said = markdown(
      target({ findings: [finding({ remediation: { text: 'x', strongswan: config } })] }),
    );
    expect(said).toContain('\n    `````\n    a\n    ````\n    b\n    `````\n');
  });

  it('has one row a table line and links where a reference is an address', () => {
    const said = markdown(
      target({ findings: [finding({ references: ['https://example.com/x?y=1', 'RFC 8247'] })] }),
    );
    expect(said).toContain('- <https://example.com/x?y=1>, RFC 8247');
    for (const row of said.split('\n').filter((line) => line.startsWith('| '))) {
      expect(row.match(/(?<!\\)\|/g)?.length).toBeGreaterThan(2);
      expect(row.endsWith(' |')).toBe(true);
    }
    expect(said).toContain('| encryption | AES\\_GCM\\_16-256'.replaceAll('\\_', '_'));
  });

  it('says the same as the text', () => {
    const [asText, asMarkdown] = [text(target(), { columns: 140 }), markdown(target())];
    for (const words of ['3DES is accepted', 'HMAC_SHA2_256', 'What to paste', 'strongSwan 5.9', '40 sent']) {
      expect(asText).toContain(words);
      expect(asMarkdown).toContain(words);
    }
  });
});
