import { isMap, isScalar, isSeq, Lexer, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import { KitError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';

/** A place in a YAML file with what stands there. Every wrong step is an `E_POLICY` that names the line. */
export class YamlPlace {
  private constructor(
    private readonly node: Node | null | undefined,
    private readonly file: YamlFile,
    /** For people: `rule 3, severity`. */
    private readonly path: string,
    private readonly parentLine: number,
  ) {}

  /**
   * Reads a file's text.
   * @param source how the file is called in errors
   * @throws KitError usage `E_POLICY`
   */
  static read(text: string, source: string): YamlPlace {
    const deep = tooDeepAt(text);
    if (deep !== undefined) {
      throw badPolicy(source, deep, 'the policy is nested too deeply');
    }
    const counter = new LineCounter();
    const document = parseDocument<ParsedNode>(text, {
      lineCounter: counter,
      version: '1.2',
      schema: 'core',
    });
    const file: YamlFile = { source, lineAt: (offset) => counter.linePos(offset).line };
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) {
      // The library adds the place with an excerpt below its first line.
      const message = (problem.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
      throw badPolicy(source, file.lineAt(problem.pos[0]), message);
    }
    return new YamlPlace(document.contents, file, '', 1);
  }

  get line(): number {
    const start = this.node?.range?.[0];
    return start === undefined ? this.parentLine : this.file.lineAt(start);
  }

  /** Of a map: its keys, all of which have to be known. */
  fields(known: readonly string[]): Map<string, YamlPlace> {
    if (!isMap(this.node)) return this.fail('has to be a map');
    const fields = new Map<string, YamlPlace>();
    for (const { key, value } of this.node.items) {
      const place = new YamlPlace(key as Node, this.file, this.path, this.line);
      const name = place.text(50);
      if (!known.includes(name)) place.fail(`has no field "${name}"; it knows ${known.join(', ')}`);
      fields.set(name, new YamlPlace(value as Node | null, this.file, this.join(name), place.line));
    }
    return fields;
  }

  /** Of a list: its items. */
  items(most: number): YamlPlace[] {
    if (!isSeq(this.node)) return this.fail('has to be a list');
    if (this.node.items.length > most) this.fail(`has more than ${most} items`);
    if (this.node.items.length === 0) this.fail('is empty');
    return this.node.items.map(
      (item, i) => new YamlPlace(item as Node | null, this.file, this.join(String(i + 1)), this.line),
    );
  }

  /** A text of one line; a number where a text is wanted counts as it is written. */
  text(most: number): string {
    const value = this.scalar();
    if (value === null)
      return this.fail('is empty; a word that YAML takes for nothing, such as null, needs quotes');
    const source = isScalar(this.node) ? this.node.source : undefined;
    const text = typeof value === 'string' ? value : (source ?? String(value));
    if (text.trim() === '') return this.fail('is empty');
    if (text.length > most) return this.fail(`is longer than ${most} characters`);
    return printable(text.trim());
  }

  integer(least: number, most: number): number {
    const value = this.scalar();
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
      return this.fail(`has to be a whole number from ${least} to ${most}`);
    }
    return value;
  }

  boolean(): boolean {
    const value = this.scalar();
    return typeof value === 'boolean' ? value : this.fail('has to be true or false');
  }

  /** @throws KitError always: usage `E_POLICY` */
  fail(complaint: string): never {
    const subject = this.path === '' ? 'the policy' : this.path;
    throw badPolicy(this.file.source, this.line, `${subject} ${complaint}`);
  }

  private scalar(): unknown {
    if (this.node === null || this.node === undefined) return null;
    return isScalar(this.node) ? this.node.value : this.fail('has to be a single value');
  }

  private join(part: string): string {
    return this.path === '' ? part : `${this.path}.${part}`;
  }
}

/** Levels of lists and maps, and columns of indentation. */
const MAX_DEPTH = 60;

interface YamlFile {
  source: string;
  /** Counts from 1. */
  lineAt(offset: number): number;
}

/**
 * The line where lists and maps are nested deeper than any policy needs. The library goes down by recursion, and where the
 * stack ends the whole process may.
 */
function tooDeepAt(text: string): number | undefined {
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  // Each level of a block is indented, or begins with an indicator.
  const block = new RegExp(`^[ \\t?:-]{${MAX_DEPTH},}`, 'm').exec(text);
  if (block) return lineAt(block.index);
  let depth = 0;
  let offset = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > MAX_DEPTH) return lineAt(offset);
    // What the lexer adds itself are single control characters.
    if (!isAdded(token)) offset += token.length;
  }
  return undefined;
}

function isAdded(token: string): boolean {
  return ['\x02', '\x18', '\x1f'].includes(token);
}

function badPolicy(source: string, line: number, complaint: string): KitError {
  return new KitError('usage', 'E_POLICY', `${printable(source)}, line ${line}: ${printable(complaint)}.`, {
    hint: 'Start from a bundled one: ipsec-kit probe --policy rfc8247 --print-policy',
  });
}
