import { transformName } from '../../lib/crypto/registry.js';
import { TransformType } from '../../lib/crypto/transform.js';
import { hashAlgorithmName } from '../../lib/ike/wire/names.js';
import { notifyName } from '../../lib/ike/wire/notify.js';
import { parseCertificate } from '../../lib/pki/certificate.js';
import { describeCertificate } from '../../lib/pki/describe.js';
import { toPem } from '../../lib/pki/files.js';
import type {
  ActiveFacts,
  AuthFacts,
  Finding,
  Ikev1Facts,
  Ikev1Suite,
  Ikev2Facts,
  Observation,
  TargetReport,
} from '../../lib/probe/types.js';
import type {
  ProbeActive,
  ProbeAlgorithm,
  ProbeAuth,
  ProbeCapabilities,
  ProbeCertificate,
  ProbeFinding,
  ProbeIkev1,
  ProbeIkev1Suite,
  ProbeIkev2,
  ProbeTargetReport,
} from '../../lib/report/probe-document.js';
import { isReached } from './build-view.js';
import { unknownsOf } from './unknowns.js';

/** What was learnt about a target, as it goes into documents: plain data, `null` for what nobody knows. */
export function targetDocument({ facts, findings, grade, proposal, paste }: TargetReport): ProbeTargetReport {
  const { host, address, port, verdict, ports, ikev2, ikev1, auth, active } = facts;
  return {
    host,
    address: address ?? null,
    port,
    verdict,
    grade,
    ports,
    ikev2: ikev2 ? ikev2Document(ikev2) : null,
    capabilities: ikev2 ? capabilities(ikev2.capabilities) : null,
    vendorIds: facts.vendorIds,
    fingerprint: facts.fingerprint ?? null,
    ikev1: ikev1 ? ikev1Document(ikev1) : null,
    auth: auth ? authDocument(auth) : null,
    active: active ? activeDocument(active) : null,
    // Nothing could be asked of a target that is not reached: that each check was skipped says no more than the verdict.
    findings: (isReached(verdict) ? findings : findings.filter(({ status }) => status !== 'skipped')).map(
      findingDocument,
    ),
    unknown: unknownsOf(facts),
    limits: facts.limits,
    proposal,
    paste,
    packets: facts.packets,
    log: facts.log,
  };
}

function ikev2Document(facts: Ikev2Facts): ProbeIkev2 {
  return {
    accepted: facts.accepted,
    inconclusive: facts.inconclusive,
    suites: facts.suites,
    suitesComplete: facts.suitesComplete,
    suitesMethod: facts.suitesMethod,
    preferred: facts.preferred ?? null,
    mixedChoice: facts.mixedChoice.value ?? null,
    steering: facts.steering.map(({ offered, sent, wanted, packets }) => ({
      offered: offered.map(group),
      sent: group(sent),
      wanted: group(wanted),
      packets,
    })),
    otherNotifies: facts.otherNotifies.map((id) => ({ id, name: notifyName(id) })),
    halfOpenLeft: facts.halfOpenLeft,
  };
}

function group(id: number): ProbeAlgorithm {
  return { id, name: transformName(TransformType.KE, id) };
}

function capabilities(seen: Ikev2Facts['capabilities']): ProbeCapabilities {
  return {
    fragmentation: known(seen.fragmentation),
    signatureHashes: known(seen.signatureHashes)?.map((id) => ({ id, name: hashAlgorithmName(id) })) ?? null,
    intermediate: known(seen.intermediate),
    ppk: known(seen.ppk),
    childless: known(seen.childless),
    redirect: known(seen.redirect),
    downgradePrevention: known(seen.downgradePrevention),
    multipleAuth: known(seen.multipleAuth),
    natDetection: known(seen.natDetection),
    multipleKe: known(seen.multipleKe),
    certificateRequest: known(seen.certificateRequest),
    cookies: known(seen.cookies),
  };
}

function ikev1Document(facts: Ikev1Facts): ProbeIkev1 {
  const { aggressiveHash: taken } = facts;
  return {
    enabled: known(facts.enabled),
    mainMode: facts.mainMode.map(ikev1Suite),
    aggressiveMode: facts.aggressiveMode.map(ikev1Suite),
    aggressiveIdentity: facts.aggressiveIdentity ?? null,
    // Whoever has the line can guess at the key offline; reports are passed on.
    aggressiveHash: taken ? { identity: taken.identity, hash: taken.hash } : null,
    inconclusive: facts.inconclusive,
    halfOpenLeft: facts.halfOpenLeft,
  };
}

function ikev1Suite({ encr, hash, auth, group }: Ikev1Suite): ProbeIkev1Suite {
  return { encr, hash, auth, group };
}

function authDocument(facts: AuthFacts): ProbeAuth {
  return {
    eap: known(facts.eap),
    responderMethod: known(facts.responderMethod),
    identity: facts.identity ?? null,
    certificates: facts.certificates.map(certificate),
    signature: known(facts.signature),
    problems: facts.problems?.map(({ code, message }) => ({ code, message })) ?? null,
    identityOracle: facts.identityOracle ? known(facts.identityOracle) : null,
  };
}

function certificate(der: Uint8Array): ProbeCertificate {
  const pem = toPem('CERTIFICATE', der);
  try {
    const { subject, issuer, names, notBefore, notAfter, key, signatureAlgorithm, sha256 } =
      describeCertificate(parseCertificate(der));
    return {
      pem,
      details: { subject, issuer, names, notBefore, notAfter, key, signatureAlgorithm, sha256 },
    };
  } catch {
    return { pem };
  }
}

function activeDocument({ invalidPublicValue, cookiesUnderLoad, pskGuesses }: ActiveFacts): ProbeActive {
  const guesses = pskGuesses && known(pskGuesses);
  return {
    ...(invalidPublicValue && { invalidPublicValue: known(invalidPublicValue) }),
    ...(cookiesUnderLoad && { cookiesUnderLoad: known(cookiesUnderLoad) }),
    ...(pskGuesses && {
      pskGuesses: guesses ? { tried: guesses.tried, foundLine: guesses.foundLine ?? null } : null,
    }),
  };
}

function findingDocument(finding: Finding): ProbeFinding {
  return { ...finding, remediation: finding.remediation ?? null };
}

function known<T>({ value }: Observation<T>): T | null {
  return value ?? null;
}
