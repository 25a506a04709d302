import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KitError } from '../../lib/core/errors.js';
import { printable } from '../../lib/core/printable.js';
import { androidText } from '../../lib/pki/profiles/android.js';
import { exportProfile } from '../../lib/pki/profiles/export.js';
import { exportInput } from '../../lib/pki/profiles/input.js';
import { lintProfile } from '../../lib/pki/profiles/lint.js';
import { parseProfile } from '../../lib/pki/profiles/parse.js';
import {
  type ClientProfile,
  type ExportedFile,
  type ProfileFormat,
  profileFormats,
} from '../../lib/pki/profiles/types.js';
import { writeExportedFiles } from '../../lib/pki/profiles/write.js';
import { PROFILES_SCHEMA, type ProfileAction, type ProfilesReport } from '../../lib/report/profile.schema.js';
import { buildProfile } from './build.js';
import type { ContentFlags } from './flags.js';
import { checkedUrl, qrCode } from './qr.js';
import { loadProfile, savedProfiles } from './saved.js';
import { type SecretFlags, secretsFor } from './secrets.js';

type Optional<T> = T | undefined;

function emptyReport(command: ProfileAction): ProfilesReport {
  return {
    schema: PROFILES_SCHEMA,
    command,
    ok: true,
    profiles: [],
    unreadable: [],
    files: [],
    findings: [],
    next: [],
  };
}

export interface ExportFlags extends ContentFlags, SecretFlags {
  for: string[];
  profile?: Optional<string>;
  name?: Optional<string>;
  out: string;
  force: boolean;
  qr: boolean;
  'qr-url'?: Optional<string>;
}

/** What an export gives back: the report, where it goes, and a QR code to print after it. */
interface Exported {
  report: ProfilesReport;
  toStderr: boolean;
  after: string;
}

/** Exports a profile for one or more kinds of clients. */
export async function exportTo(flags: ExportFlags): Promise<Exported> {
  const formats = formatsOf(flags.for);
  const url = flags['qr-url'] === undefined ? undefined : checkedUrl(flags['qr-url']);
  if (flags.qr && url === undefined && !formats.includes('android')) {
    throw new KitError('usage', 'E_PROFILE_QR', 'Only a profile for Android fits into a QR code.', {
      hint: 'Put the file on a web server and give its address with --qr-url, or export --for android.',
    });
  }
  const base = flags.profile === undefined ? undefined : await loadProfile(flags.profile);
  const profile = await buildProfile(flags, flags.name, base);
  const secrets = await secretsFor(profile, formats, flags);
  const report = emptyReport('export');
  report.profiles.push({ ...(flags.profile !== undefined && { saved: flags.profile }), profile });
  const exported = formats.map((format) => ({
    format,
    files: exportProfile(profile, format, secrets(format)),
  }));
  for (const format of formats) {
    const inside = secrets(format);
    report.findings.push(...lintProfile(profile, format, { secrets: inside, now: Date.now() }));
    if (inside.key === undefined) report.findings.push(...missingKey(profile, format));
  }
  report.ok = report.findings.every(({ severity }) => severity !== 'error');
  const toStderr = flags.out === '-';
  if (toStderr) process.stdout.write(onlyFile(exported.flatMap(({ files }) => files)).data);
  for (const { format, files } of exported) {
    const folder = formats.length === 1 ? flags.out : join(flags.out, format);
    const paths = toStderr
      ? files.map(({ name }) => name)
      : await writeExportedFiles(folder, files, { replace: flags.force });
    report.files.push(
      ...files.map(({ secret, note }, at) => ({ path: paths[at]!, for: format, secret, note })),
    );
  }
  return {
    report,
    toStderr,
    after: flags.qr || url !== undefined ? qr(url ?? androidText(exportInput(profile, {}))) : '',
  };
}

function formatsOf(lists: readonly string[]): ProfileFormat[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim());
  const formats = names.map((name) => {
    const format = profileFormats.find((each) => each === name);
    if (format !== undefined) return format;
    throw new KitError('usage', 'E_PROFILE_FOR', `There are no profiles for "${printable(name)}".`, {
      hint: `Choose among ${profileFormats.join(', ')}.`,
    });
  });
  return [...new Set(formats)];
}

function onlyFile(files: readonly ExportedFile[]): ExportedFile {
  const [file] = files;
  if (file !== undefined && files.length === 1) return file;
  throw new KitError(
    'usage',
    'E_PROFILE_OUT',
    `This profile is ${files.length} files (${files.map(({ name }) => name).join(', ')}), and standard output takes one.`,
    { hint: 'Name a folder with --out.' },
  );
}

function qr(text: string): string {
  const code = qrCode(text, process.stdout.columns ?? 80);
  if (code !== undefined) return `\n${code}`;
  process.stderr.write(
    `warning: ${text.length} characters make a QR code that does not fit into ${process.stdout.columns ?? 80} columns (W_PROFILE_QR)\n  hint: Widen the terminal, or put the file on a web server and give its address with --qr-url.\n`,
  );
  return '';
}

/** What has to get onto the device another way. */
function missingKey({ auth, keyFile }: ClientProfile, format: ProfileFormat): ProfilesReport['findings'] {
  if (auth !== 'cert' && auth !== 'eap-tls') return [];
  const remedy =
    keyFile === undefined
      ? 'Name it with --key, or leave it where it is, on the device.'
      : 'Give --p12-passphrase-file to export it encrypted, or --include-key to export it as it is.';
  const message = "The client's private key is not among the files; the device needs it from elsewhere.";
  return [{ id: 'I_PROFILE_KEY', severity: 'info', for: format, message, remedy }];
}

export interface SaveFlags extends ContentFlags {
  name?: Optional<string>;
  from?: Optional<string>;
  force: boolean;
}

/** Saves a profile under a name. */
export async function save(name: string, flags: SaveFlags): Promise<{ report: ProfilesReport }> {
  const saved = savedProfiles();
  saved.path(name);
  const base = flags.from === undefined ? undefined : await fromFile(flags.from);
  const profile = await buildProfile(flags, flags.name ?? base?.name ?? name, base);
  const path = await saved.save(name, profile, { replace: flags.force });
  const report = emptyReport('save');
  report.profiles.push({ saved: name, profile });
  report.files.push({ path, for: 'ipsec-kit', secret: true, note: '' });
  report.findings.push(...lintProfile(profile, 'ipsec-kit', { now: Date.now() }));
  report.ok = report.findings.every(({ severity }) => severity !== 'error');
  report.next.push(`sudo ipsec-kit connect ${name}`);
  return { report };
}

async function fromFile(path: string): Promise<ClientProfile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new KitError('usage', 'E_PROFILE_FORMAT', `${printable(path)} cannot be read.`, { cause });
  });
  return parseProfile(text, path, dirname(path));
}

/** All saved profiles; those that cannot be read are named with what is wrong. */
export async function list(): Promise<{ report: ProfilesReport }> {
  const saved = savedProfiles();
  const report = emptyReport('list');
  for (const name of await saved.names()) {
    try {
      report.profiles.push({ saved: name, profile: await saved.load(name) });
    } catch (cause) {
      if (!(cause instanceof KitError)) throw cause;
      report.unreadable.push({ saved: name, code: cause.code, message: cause.message });
    }
  }
  return { report };
}

export async function show(name: string): Promise<{ report: ProfilesReport }> {
  const report = emptyReport('show');
  report.profiles.push({ saved: name, profile: await loadProfile(name) });
  return { report };
}

export async function remove(name: string): Promise<{ report: ProfilesReport }> {
  const report = emptyReport('remove');
  const path = await savedProfiles().remove(name);
  report.files.push({ path, for: 'ipsec-kit', secret: true, note: '' });
  return { report };
}
