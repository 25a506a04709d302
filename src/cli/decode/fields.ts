/** Longest line that a small object may fill before it is spread over several. */
const LINE = 100;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields of a payload as lines of `name: value`: small objects on one line, larger ones and lists of objects
 * indented below their name. Nothing is left out.
 */
export function fieldLines(fields: Fields): string[] {
  return namedEntries(fields).flatMap(([name, value]) => entryLines(name, value));
}

/** A name and its number (`idType`, `idTypeNumber`) are one field: `ID_FQDN (2)`. */
function namedEntries(fields: Fields): [string, unknown][] {
  const entries = Object.entries(fields).filter(([name, value]) => {
    return !(typeof value === 'number' && typeof fields[name.replace(/Number$/, '')] === 'string');
  });
  return entries.map(([name, value]) => {
    const number = fields[`${name}Number`];
    return typeof value === 'string' && typeof number === 'number'
      ? [name, `${value} (${number})`]
      : [name, value];
  });
}

function entryLines(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  const short = oneLine(value);
  if (short !== undefined && name.length + short.length < LINE) return [`${name}: ${short}`];
  if (Array.isArray(value)) {
    return value.flatMap((item, at) => entryLines(`${name} ${at + 1}`, item));
  }
  if (typeof value === 'object' && value !== null) {
    return [name, ...fieldLines({ ...value }).map((line) => `  ${line}`)];
  }
  return [`${name}: ${scalar(value)}`];
}

/** Undefined when the value has structure that wants several lines. */
function oneLine(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const items = value.map(oneLine);
    if (items.includes(undefined) || value.some(isObject)) return items.length === 0 ? 'none' : undefined;
    return items.join(', ') || 'none';
  }
  if (isObject(value)) {
    const parts = namedEntries({ ...value }).map(([name, item]) =>
      isObject(item) || Array.isArray(item) ? undefined : `${name} ${scalar(item)}`,
    );
    return parts.includes(undefined) ? undefined : parts.join(', ');
  }
  return scalar(value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function scalar(value: unknown): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  return value === '' ? '(empty)' : String(value);
}
