export interface ViciSection {
  [key: string]: string | string[] | ViciSection;
}

/**
 * Reads `swanctl --raw` output: every `<event> event {…}` in it. Sections are `name {…}`, lists `name=[a b]`,
 * values `name=text` up to the next space.
 */
export function parseVici(text: string, event: string): ViciSection[] {
  const events: ViciSection[] = [];
  const start = `${event} event `;
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
    events.push(readSection(text, at + start.length + 1).section);
  }
  return events;
}

function readSection(text: string, from: number): { section: ViciSection; end: number } {
  const section: ViciSection = {};
  const token = /\s*(?:(\})|([^\s={}]+)(?:=\[([^\]]*)\]|=([^\s}]*)| ?\{))/y;
  for (let at = from; ; ) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) throw new Error(`cannot read swanctl output at: ${text.slice(at, at + 60)}`);
    const [, close, key = '', list, value] = match;
    at = token.lastIndex;
    if (close) return { section, end: at };
    if (list !== undefined) section[key] = list.split(' ').filter(Boolean);
    else if (value !== undefined) section[key] = value;
    else {
      const inner = readSection(text, at);
      section[key] = inner.section;
      at = inner.end;
    }
  }
}
