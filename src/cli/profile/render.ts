import type { ChalkInstance } from 'chalk';
import { printable } from '../../lib/core/printable.js';
import type {
  ClientProfile,
  ProfileFile,
  ProfileFinding,
  ProfilesReport,
} from '../../lib/report/profile.schema.js';
import { paintFor } from '../paint.js';
import type { OutputFlags } from './flags.js';

const isJson = (flags: OutputFlags): boolean => flags.json || flags.format === 'json';

/** A report as text for people or as one JSON document. */
export function renderProfiles(
  report: ProfilesReport,
  flags: OutputFlags,
  stream: { isTTY?: boolean },
): string {
  if (isJson(flags)) return `${JSON.stringify(report, null, 2)}\n`;
  const paint = paintFor(stream, flags.color);
  const blocks = [
    ...(report.command === 'list' ? [listText(report, paint)] : []),
    ...(report.command === 'show' ? report.profiles.map(({ profile }) => profileText(profile, paint)) : []),
    ...report.files.map((file) => fileText(file, report.command, paint)),
    ...(report.next.length === 0
      ? []
      : [['Next:', ...report.next.map((line) => `  ${printable(line)}`)].join('\n')]),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** What goes to stderr beside the report. */
export function renderFindings({ findings }: ProfilesReport, flags: OutputFlags): string {
  if (isJson(flags)) return '';
  const paint = paintFor(process.stderr, flags.color);
  return findings.map((finding) => `${findingText(finding, paint)}\n`).join('');
}

function findingText(
  { id, severity, for: client, message, remedy }: ProfileFinding,
  paint: ChalkInstance,
): string {
  const label = { error: paint.red('error'), warning: paint.yellow('warning'), info: 'note' }[severity];
  const about = client === undefined ? '' : `${client}: `;
  const sentence = `${label}: ${about}${printable(message).replace(/\.$/, '')} (${id})`;
  return remedy === undefined ? sentence : `${sentence}\n  hint: ${printable(remedy)}`;
}

function fileText({ path, secret, note }: ProfileFile, command: string, paint: ChalkInstance): string {
  const verb = command === 'remove' ? 'removed' : 'wrote';
  const mode = secret && command === 'export' ? ' (open to its owner only)' : '';
  return [
    `${verb} ${paint.bold(printable(path))}${mode}`,
    ...(note === '' ? [] : [`  ${printable(note)}`]),
  ].join('\n');
}

function listText({ profiles, unreadable }: ProfilesReport, paint: ChalkInstance): string {
  if (profiles.length === 0 && unreadable.length === 0) return 'No profile is saved.';
  const width = Math.max(...[...profiles, ...unreadable].map(({ saved = '' }) => saved.length));
  return [
    ...profiles.map(
      ({ saved = '', profile }) => `${paint.bold(saved.padEnd(width))}  ${printable(summary(profile))}`,
    ),
    ...unreadable.map(
      ({ saved, message, code }) =>
        `${saved.padEnd(width)}  ${paint.red('unreadable')}: ${printable(message)} (${code})`,
    ),
  ].join('\n');
}

function summary({ gateway, auth, remoteTs }: ClientProfile): string {
  return `${gateway}  ${auth}  ${remoteTs.length === 0 ? 'everything' : remoteTs.join(', ')}`;
}

function profileText(profile: ClientProfile, paint: ChalkInstance): string {
  const { port, natPort, ca, certificates } = profile;
  const rows: [name: string, value: string | undefined][] = [
    ['gateway', profile.gateway],
    [
      'ports',
      port === undefined && natPort === undefined ? undefined : `${port ?? 500} and ${natPort ?? 4500}`,
    ],
    ['proves', `${profile.remoteId ?? profile.gateway}, by ${profile.serverAuth}`],
    ['client', `${profile.localId ?? 'as its certificate, user name or address says'}, by ${profile.auth}`],
    ['user', profile.eapUser],
    ['CAs', ca.length === 0 ? undefined : String(ca.length)],
    ['certificates', certificates.length === 0 ? undefined : String(certificates.length)],
    ['key', profile.keyFile],
    ['pre-shared key', profile.pskFile],
    ['password', profile.eapPasswordFile],
    ['IKE', profile.ike],
    ['ESP', profile.esp],
    ['networks', profile.remoteTs.length === 0 ? 'everything' : profile.remoteTs.join(', ')],
    ['own networks', profile.localTs.join(', ')],
    ['DNS', profile.dns.join(', ')],
    ['MTU', profile.mtu === undefined ? undefined : String(profile.mtu)],
    ['on demand', profile.onDemand === true ? 'yes' : undefined],
  ];
  const shown = rows.filter(([, value]) => value !== undefined && value !== '');
  return [
    paint.bold(printable(profile.name)),
    ...shown.map(([name, value = '']) => `  ${name.padEnd(14)} ${printable(value)}`),
  ].join('\n');
}
