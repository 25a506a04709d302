/** The name of a number, or `PREFIX_number` for one without a name. */
export function nameIn(names: ReadonlyMap<number, string>, value: number, prefix: string): string {
  return names.get(value) ?? `${prefix}_${value}`;
}

/** A naming function over a table of numbers. */
export function namer(prefix: string, table: Readonly<Record<number, string>>): (value: number) => string {
  const names = new Map(Object.entries(table).map(([number, name]) => [Number(number), name]));
  return (value) => nameIn(names, value, prefix);
}
