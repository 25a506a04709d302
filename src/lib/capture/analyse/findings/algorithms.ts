import { TransformType } from '../../../crypto/transform.js';
import { opening } from '../ike-outcome.js';
import type { IkeSaReport, ProposalReport, TransformReport } from '../types.js';
import { enumerate, transformWord } from '../words.js';
import { hasShortBlocks, isWeak, levelOf, rowOf } from './algorithms-of.js';
import { type Emit, findingGroup } from './group.js';
import { initiatorOf, responderOf } from './queries.js';

const kinds = {
  'algorithm-must-not': {
    severity: 'high',
    summary: 'An SA uses an algorithm that RFC 8247 (IKE) or RFC 8221 (ESP, AH) forbids: MUST NOT.',
    advice:
      'Configure a current suite on both sides, for example aes256gcm16-prfsha256-ecp256 for IKE and aes256gcm16-ecp256 for ESP, and take the forbidden algorithm out of the proposals.',
  },
  'algorithm-should-not': {
    severity: 'medium',
    summary: 'An SA uses an algorithm that RFC 8247 (IKE) or RFC 8221 (ESP, AH) advises against: SHOULD NOT.',
    advice:
      'Configure a current suite on both sides, for example aes256gcm16-prfsha256-ecp256 for IKE and aes256gcm16-ecp256 for ESP. Windows offers only 1024-bit MODP by default: Set-VpnConnectionIPsecConfiguration changes it.',
  },
  'algorithm-aging': {
    severity: 'low',
    summary: 'An SA uses an algorithm that is on its way out: MUST- in RFC 8247 or RFC 8221 (SHA-1).',
    advice: 'Prefer SHA-256 or an AEAD in the proposals of both sides; nothing is broken yet.',
  },
  'cipher-short-blocks': {
    severity: 'medium',
    summary:
      'An SA uses a cipher with blocks of 64 bits, which leaks after some gigabytes under one key (CVE-2016-2183).',
    advice:
      'Use AES-GCM, ChaCha20-Poly1305 or AES-CBC; until then rekey by volume, well before one gigabyte.',
  },
  'esp-not-encrypted': {
    severity: 'medium',
    summary: 'A child SA authenticates its traffic but does not encrypt it.',
    advice: 'If this is not on purpose, take NULL (and GMAC) out of the ESP proposals of both sides.',
  },
  'weak-offered': {
    severity: 'low',
    summary: 'Deprecated algorithms are offered beside better ones; a peer or an attacker may choose them.',
    advice:
      'Take them out of the proposals (strongSwan: proposals; libreswan: ike=) once no peer needs them.',
  },
} as const;

type Id = keyof typeof kinds;

/** The strength of what was agreed on and offered. */
export const algorithms = findingGroup('algorithms', kinds, ({ report }, emit) => {
  for (const sa of report.ikeSas) {
    const hosts = `${initiatorOf(sa)} and ${responderOf(sa)}`;
    const opened = opening(sa.exchanges, sa.version);
    if (sa.suite !== undefined) {
      judge(sa.suite, `the IKE SA between ${hosts}`, opened?.response?.frames ?? [], emit);
    }
    findWeakOffered(sa, emit);
  }
  const byId = new Map(report.ikeSas.map((sa) => [sa.id, sa]));
  for (const child of report.childSas) {
    if (child.suite === undefined) continue;
    const sa = byId.get(child.ikeSa ?? '');
    const hosts = sa === undefined ? '' : ` between ${initiatorOf(sa)} and ${responderOf(sa)}`;
    judge(child.suite, `a child SA${hosts}`, [child.created.frame], emit);
  }
});

function judge(suite: ProposalReport, whose: string, frames: readonly number[], emit: Emit<Id>): void {
  const at = (level: string) =>
    suite.transforms.filter((transform) => levelOf(transform, suite.protocol) === level);
  const document = suite.protocol === 'IKE' ? 'RFC 8247' : 'RFC 8221';
  const tell = (id: Id, transforms: readonly TransformReport[], verdict: string) => {
    if (transforms.length === 0) return;
    emit(id, [frames], `${capital(whose)} uses ${enumerate(transforms.map(transformWord))}, ${verdict}.`);
  };
  tell('algorithm-must-not', at('MUST NOT'), `which ${document} forbids (MUST NOT)`);
  tell('algorithm-should-not', at('SHOULD NOT'), `which ${document} advises against (SHOULD NOT)`);
  tell('algorithm-aging', at('MUST-'), `which ${document} is phasing out (MUST-)`);
  tell(
    'cipher-short-blocks',
    suite.transforms.filter(hasShortBlocks),
    'a cipher with blocks of 64 bits (CVE-2016-2183)',
  );
  if (suite.protocol === 'ESP') {
    tell('esp-not-encrypted', suite.transforms.filter(isNull), 'so its traffic is not encrypted');
  }
}

function isNull(transform: TransformReport): boolean {
  const row = rowOf(transform);
  return row?.type === TransformType.ENCR && row.kind === 'null';
}

function findWeakOffered(sa: IkeSaReport, emit: Emit<Id>): void {
  const request = opening(sa.exchanges, sa.version)?.request;
  if (request === undefined) return;
  const chosen = new Set(sa.suite?.transforms.map(transformWord));
  const offered = (request.proposals ?? []).flatMap(({ transforms }) => transforms);
  const weak = offered.filter(
    (transform) => isWeak(transform, 'IKE') && !chosen.has(transformWord(transform)),
  );
  // Offering nothing else of the type is a finding of its own.
  const beside = weak.filter((transform) =>
    offered.some((other) => other.type === transform.type && !isWeak(other, 'IKE')),
  );
  if (beside.length === 0) return;
  const names = [...new Set(beside.map(transformWord))];
  emit(
    'weak-offered',
    [request.frames],
    `${initiatorOf(sa)} also offers ${responderOf(sa)} ${enumerate(names)}.`,
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
