/**
 * Writes the manual pages from the built commands into man/, or with `--check` says whether they are up to date.
 * They carry no date, so that the same commands always give the same pages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCommands } from './commands.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { ExitCode } = await import('../dist/lib/core/errors.js');

const exitTexts = {
  ok: 'The command did what it was asked, or --duration is over.',
  bug: 'Internal error: a mistake in ipsec-kit.',
  usage: 'The command line, a file named in it, or the pre-shared key cannot be used.',
  findings: 'Findings at or above the chosen severity; psk check: the key is as weak as --fail-on says.',
  network: 'No answer from the peer.',
  protocol:
    'The peer answered something that breaks the protocol; decode: the capture is damaged or an integrity check failed.',
  refused:
    'One side refused the other: authentication, proposals or traffic selectors; cert: a certificate or request is refused.',
  environment: 'This host lacks something: a privilege, a device, a program.',
  inconclusive: 'No conclusion could be reached.',
  interrupted: 'Ended by SIGINT, SIGTERM or SIGHUP, in good order.',
};

/** Characters that roff reads as its own. */
function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.');
}

function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => `.PP\n${roff(paragraph.replaceAll('\n', ' ').trim())}`)
    .join('\n');
}

/** `cert:issue` as it is typed: `cert issue`. */
const typed = (id) => id.replaceAll(':', ' ');

function fill(text, id) {
  return text.replaceAll('<%= config.bin %>', 'ipsec-kit').replaceAll('<%= command.id %>', typed(id));
}

function flagTerm({ name, char, type, allowNo, helpValue, options }) {
  const short = char ? `\\fB\\-${char}\\fR, ` : '';
  const long = `\\fB\\-\\-${allowNo ? '[no\\-]' : ''}${roff(name)}\\fR`;
  if (type === 'boolean') return short + long;
  const value = options ? options.join('|') : (helpValue ?? '<value>').replace(/[<>]/g, '');
  return `${short}${long} \\fI${roff(value)}\\fR`;
}

function flagText({ description, default: preset, type, multiple }) {
  const notes = [];
  if (type === 'option' && preset !== undefined) notes.push(`Default: ${preset}.`);
  if (multiple) notes.push('May be given more than once.');
  const sentence = `${description.slice(0, 1).toUpperCase()}${description.slice(1)}.`;
  return [sentence, ...notes].join(' ');
}

function visibleFlags(command) {
  return Object.values(command.flags)
    .filter((flag) => !flag.hidden)
    .sort((a, b) => a.name.localeCompare(b.name));
}

function optionSections(command) {
  const groups = new Map();
  for (const flag of visibleFlags(command)) {
    groups.set(flag.helpGroup, [...(groups.get(flag.helpGroup) ?? []), flag]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([group, flags]) => [
      `.SS ${group.slice(0, 1)}${group.slice(1).toLowerCase()}`,
      ...flags.map((flag) => `.TP\n${flagTerm(flag)}\n${roff(flagText(flag))}`),
    ]);
}

function synopsis(command) {
  const words = Object.values(command.args).map((arg) => `\\fI${arg.name.toUpperCase()}\\fR`);
  return [`.B ipsec\\-kit ${typed(command.id)}`, ...words, '[\\fIoptions\\fR]'].join('\n');
}

const exitStatus = [
  '.SH EXIT STATUS',
  ...Object.entries(ExitCode).map(([name, code]) => {
    if (exitTexts[name] === undefined) throw new Error(`no text for the exit code ${name}`);
    return `.TP\n.B ${code}\n${roff(exitTexts[name])}`;
  }),
];

const environment = [
  '.SH ENVIRONMENT',
  '.TP\n.B IPSEC_KIT_PSK\nThe pre\\-shared key, when neither \\-\\-psk\\-file nor \\-\\-psk\\-stdin is given.',
  '.TP\n.B IPSEC_KIT_DEBUG\nWhen set, an internal error shows where it happened.',
  '.TP\n.B NO_COLOR\nWhen set and not empty, no colours.',
];

const head = (title, version) =>
  `.TH ${title.toUpperCase()} 1 "" "ipsec\\-kit ${version}" "ipsec\\-kit manual"`;

function commandPage(command, version, others) {
  const name = `ipsec-kit-${command.id.replaceAll(':', '-')}`;
  const examples = (command.examples ?? []).map(
    (example) =>
      `.PP\n${roff(fill(example.description, command.id))}:\n.PP\n.nf\n.RS\n${roff(fill(example.command, command.id))}\n.RE\n.fi`,
  );
  const summary = command.summary.replace(/\.$/, '');
  return [
    head(roff(name), version),
    `.SH NAME\n${roff(name)} \\- ${roff(summary.slice(0, 1).toLowerCase() + summary.slice(1))}`,
    `.SH SYNOPSIS\n${synopsis(command)}`,
    `.SH DESCRIPTION\n${paragraphs(fill(command.description, command.id))}`,
    '.SH OPTIONS',
    ...Object.values(command.args).map(
      (arg) => `.TP\n\\fI${arg.name.toUpperCase()}\\fR\n${roff(arg.description)}`,
    ),
    ...optionSections(command),
    '.SH EXAMPLES',
    ...examples,
    ...exitStatus,
    ...environment,
    `.SH SEE ALSO\n${['ipsec-kit', ...others.filter((other) => other !== name)].map((page) => `.BR ${roff(page)} (1)`).join(',\n')}`,
    '',
  ].join('\n');
}

function mainPage(commands, { version, description }, pages) {
  return [
    head('ipsec\\-kit', version),
    `.SH NAME\nipsec\\-kit \\- ${roff(description)}`,
    '.SH SYNOPSIS\n.B ipsec\\-kit\n\\fIcommand\\fR [\\fIoptions\\fR]\n.br\n.B ipsec\\-kit\n\\-\\-version | \\-\\-help',
    '.SH COMMANDS',
    ...commands.map((command) => `.TP\n.B ${roff(typed(command.id))}\n${roff(command.summary)}`),
    '.SH OUTPUT',
    paragraphs(
      'Results go to standard output, progress and diagnostics to standard error. A failing command writes one sentence that names the cause and, where there is one, the next step. Secrets never appear in output, and never belong into arguments, which every user of a host can read.',
    ),
    ...exitStatus,
    ...environment,
    `.SH SEE ALSO\n${pages.map((page) => `.BR ${roff(page)} (1)`).join(',\n')}`,
    '',
  ].join('\n');
}

const { pjson, manifest } = await loadCommands(root);
const commands = Object.values(manifest.commands)
  .filter((command) => !command.hidden)
  .sort((a, b) => a.id.localeCompare(b.id));
const names = commands.map((command) => `ipsec-kit-${command.id.replaceAll(':', '-')}`);
const pages = new Map([
  ['ipsec-kit.1', mainPage(commands, pjson, names)],
  ...commands.map((command, at) => [`${names[at]}.1`, commandPage(command, pjson.version, names)]),
]);

const stale = [];
for (const [file, text] of pages) {
  const path = join(root, 'man', file);
  if (process.argv.includes('--check')) {
    let present;
    try {
      present = readFileSync(path, 'utf8');
    } catch {
      present = undefined;
    }
    if (present !== text) stale.push(`man/${file}`);
  } else {
    writeFileSync(path, text);
  }
}
const listed = pjson.man ?? [];
for (const file of pages.keys()) {
  if (!listed.includes(`./man/${file}`)) stale.push(`package.json: man lacks ./man/${file}`);
}
if (stale.length > 0) {
  process.stderr.write(`Out of date: ${stale.join(', ')}. Run: npm run man\n`);
  process.exitCode = 1;
}
