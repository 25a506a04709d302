import type { ProfileFinding } from '../../report/profile.schema.js';
import { type Certificate, certificateName } from '../certificate.js';
import { type ClientName, clientProblems } from '../clients.js';
import { type GeneralName, parseGeneralName } from '../general-name.js';
import { matchName } from '../identity.js';
import { dateText, type Problem } from '../problem.js';
import { usageProblems } from '../usage.js';
import { localIdOf, provesIdentity, remoteIdOf } from './identities.js';
import { type ExportInput, exportInput } from './input.js';
import { type Quirk, quirks } from './quirks.js';
import type { ClientProfile, ProfileFormat, ProfileSecrets } from './types.js';

/** Whose demands on certificates count for a format. */
const certificateClients: Record<ProfileFormat, ClientName> = {
  apple: 'ios',
  windows: 'windows',
  android: 'android',
  swanctl: 'strongswan',
  networkmanager: 'strongswan',
  'ipsec-kit': 'strongswan',
};

/**
 * What a client will dislike about a profile and the certificates in it, beyond what makes an export impossible.
 * @param now milliseconds since the epoch
 */
export function lintProfile(
  profile: ClientProfile,
  format: ProfileFormat,
  { secrets = {}, now }: { secrets?: ProfileSecrets; now: number },
): ProfileFinding[] {
  const input = exportInput(profile, secrets);
  const found: Quirk[] = [
    ...trust(input),
    ...validity(input, now),
    ...(input.server === undefined ? [] : serverFindings(input, input.server, format)),
    ...clientFindings(input, format),
    ...quirks[format](input),
  ];
  return found.map((quirk) => finding(quirk, format));
}

function finding({ id, message, remedy }: Quirk, format: ProfileFormat): ProfileFinding {
  const severity = id.startsWith('E_') ? 'error' : id.startsWith('W_') ? 'warning' : 'info';
  return { id, severity, for: format, message, ...(remedy !== undefined && { remedy }) };
}

const fromProblem = ({ code, message, hint }: Problem): Quirk => ({
  id: code,
  message,
  ...(hint !== undefined && { remedy: hint }),
});

function trust({ profile, ca }: ExportInput): Quirk[] {
  if (profile.serverAuth !== 'cert' || ca.length > 0) return [];
  return [
    {
      id: 'W_PROFILE_NO_CA',
      message: 'The profile brings no CA, so only gateways with a certificate of a public CA are believed.',
      remedy: "Name the gateway's CA with --ca, or take it from a store with --store.",
    },
  ];
}

function validity({ ca, chain, server }: ExportInput, now: number): Quirk[] {
  return [...ca, ...chain, ...(server === undefined ? [] : [server])]
    .filter(({ notAfter }) => notAfter.getTime() < now)
    .map((certificate) => ({
      id: 'E_CERT_EXPIRED',
      message: `${certificateName(certificate)} expired on ${dateText(certificate.notAfter)}.`,
      remedy: 'Issue a new one and export the profile again.',
    }));
}

function serverFindings({ profile }: ExportInput, server: Certificate, format: ProfileFormat): Quirk[] {
  if (profile.serverAuth !== 'cert') return [];
  const dialled = generalName(profile.gateway);
  const proof = provesIdentity(server, remoteIdOf(profile));
  const covered = dialled !== undefined && matchName(server, dialled).matches;
  return [
    ...(proof.matches
      ? []
      : [
          {
            id: 'E_PROFILE_REMOTE_ID',
            message: `The client expects the gateway to be ${remoteIdOf(profile)}, and its certificate is not for that: ${proof.explanation}.`,
            remedy: 'Give --remote-id a name of the certificate, or issue a certificate with that name.',
          } as const,
        ]),
    ...clientProblems(certificateClients[format], server, {
      server: true,
      // Windows compares only what it dials; the others were asked above.
      name: format === 'windows' || covered ? dialled : undefined,
    }).map(fromProblem),
    ...(format === 'windows' && dialled?.kind === 'dns' && !covered
      ? [
          {
            id: 'E_CERT_NAME',
            message: `Windows dials ${profile.gateway}, and the gateway's certificate is not for that name (error 13801).`,
            remedy: 'Issue it again with that name (--san), or dial a name that it has.',
          } as const,
        ]
      : []),
  ];
}

function clientFindings(input: ExportInput, format: ProfileFormat): Quirk[] {
  const { profile, chain } = input;
  const [own] = chain;
  if (own === undefined || (profile.auth !== 'cert' && profile.auth !== 'eap-tls')) return [];
  const problems = clientProblems(certificateClients[format], own, { server: false, name: undefined });
  const id = localIdOf(profile, own);
  const proof = id === undefined || format === 'windows' ? undefined : provesIdentity(own, id);
  return [
    // The app of strongSwan takes other keys than Android's own client.
    ...problems.filter(({ code }) => code !== 'W_ANDROID_RSA').map(fromProblem),
    ...usageProblems(own, 'client').map(fromProblem),
    ...(proof?.matches === false && profile.auth === 'cert'
      ? [
          {
            id: 'E_PROFILE_LOCAL_ID',
            message: `The client says it is ${id}, and its certificate does not prove that: ${proof.explanation}.`,
            remedy: 'Give --local-id a name of the certificate, or leave it out.',
          } as const,
        ]
      : []),
  ];
}

function generalName(text: string): GeneralName | undefined {
  try {
    return parseGeneralName(text);
  } catch {
    return undefined;
  }
}
