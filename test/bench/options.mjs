import { parseArgs } from 'node:util';

/**
 * The flags of a bench. `--help` tells them and ends the process with 0, a wrong one with 2.
 * @param {object} bench
 * @param bench.script its name in package.json
 * @param bench.about what it measures and what it needs, in lines of a terminal
 * @param bench.flags by name. `value` stands for the value in the help, a flag without is a switch; with `least` the
 *   value is a whole number from there on; a flag without `help` is for the bench alone
 * @returns the values by name: numbers, texts and booleans; undefined where there is neither a value nor a `default`
 */
export function benchOptions({ script, about, flags = {} }) {
  const values = parse(flags);
  if (values.help) {
    process.stdout.write(usage(script, about, flags));
    process.exit(0);
  }
  const options = {};
  for (const [name, { value, least, default: fallback }] of Object.entries(flags)) {
    const given = values[name] ?? fallback;
    if (value === undefined) options[name] = given ?? false;
    else options[name] = least === undefined || given === undefined ? given : count(name, given, least);
  }
  return options;
}

/** Ends the process because it was called in a wrong way. */
export function misused(text) {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function parse(flags) {
  const types = Object.entries(flags).map(([name, { value }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string' },
  ]);
  try {
    return parseArgs({ options: { ...Object.fromEntries(types), help: { type: 'boolean' } } }).values;
  } catch (error) {
    if (!error.code?.startsWith('ERR_PARSE_ARGS')) throw error;
    // Its advice goes on about positional arguments, which no bench takes.
    const [sentence] = error.message.split(/\.\s/, 1);
    return misused(`${sentence}; --help tells what there is`);
  }
}

function count(name, given, least) {
  const number = Number(given);
  if (Number.isSafeInteger(number) && number >= least) return number;
  return misused(`--${name} has to be a whole number of at least ${least}`);
}

function usage(script, about, flags) {
  const rows = [
    ...Object.entries(flags).map(([name, { value, default: fallback, help }]) => [
      `--${name}${value === undefined ? '' : ` ${value}`}`,
      help && `${help}${fallback === undefined ? '' : ` (${fallback})`}`,
    ]),
    ['--help', 'show this'],
  ].filter(([, help]) => help !== undefined);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const lines = rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}\n`);
  return `${about}\n\nnpm run ${script} -- [flags]\n\n${lines.join('')}`;
}
