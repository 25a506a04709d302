/** Readers of configuration files, as strict as the programs they are for. */

export interface Settings {
  [name: string]: string | Settings;
}

/** strongSwan's settings: nested sections, `key = value`, values in double quotes with escapes. */
export function readSettings(text: string): Settings {
  const lines = text.split('\n').map((line) => line.replace(/^\s*#.*$/, ''));
  const root: Settings = {};
  const path: Settings[] = [root];
  for (const line of lines) {
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const section = /^([A-Za-z0-9_-]+) \{$/.exec(trimmed);
    const pair = /^([A-Za-z0-9_-]+) = (?:"((?:\\.|[^"\\])*)"|([^"{}#=\\]*(?:=*)?))$/.exec(trimmed);
    const current = path.at(-1)!;
    if (section) {
      const inner: Settings = {};
      current[section[1]!] = inner;
      path.push(inner);
    } else if (trimmed === '}') {
      path.pop();
    } else if (pair) {
      current[pair[1]!] = pair[2]?.replace(/\\(.)/g, '$1') ?? pair[3] ?? '';
    } else {
      throw new Error(`unreadable line: ${trimmed}`);
    }
  }
  if (path.length !== 1) throw new Error('sections are open');
  return root;
}

/** A section by its way, such as `connections.vpn.local`. */
export function section(settings: Settings, ...way: string[]): Settings {
  let at: Settings = settings;
  for (const name of way) {
    const next = at[name];
    if (typeof next !== 'object') throw new Error(`there is no section ${name}`);
    at = next;
  }
  return at;
}

/** GLib's key files, values unescaped as g_key_file_get_string does it. */
export function readKeyFile(text: string): Record<string, Record<string, string>> {
  const groups: Record<string, Record<string, string>> = {};
  let group: Record<string, string> | undefined;
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const name = /^\[([^[\]]+)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      group = {};
      groups[name] = group;
      continue;
    }
    const [, key, value = ''] = /^([A-Za-z0-9-]+)=(.*)$/.exec(line) ?? [];
    if (key === undefined || group === undefined) throw new Error(`unreadable line: ${line}`);
    if (key in group) throw new Error(`${key} comes twice`);
    group[key] = unescaped(value.trimStart());
  }
  return groups;
}

function unescaped(value: string): string {
  const meanings: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };
  return value.replace(/\\(.?)/g, (_, character: string) => {
    const meaning = meanings[character];
    if (meaning === undefined) throw new Error(`\\${character} is no escape`);
    return meaning;
  });
}
