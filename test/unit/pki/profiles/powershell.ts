/**
 * Enough of PowerShell to tell whether a script of ours is well formed: comments, strings as PowerShell ends them,
 * brackets, and for each command its parameters and their values as Microsoft documents them.
 */

export type Token =
  | { kind: 'string'; value: string }
  | { kind: 'word'; value: string }
  | { kind: 'variable'; value: string }
  | { kind: 'symbol'; value: string }
  | { kind: 'newline' };

const SINGLE = /['\u2018-\u201b]/;
const OPEN: Readonly<Record<string, string>> = { '(': ')', '@(': ')', '{': '}', '@{': '}', '[': ']' };

/** @throws Error where PowerShell's own parser would stop */
export function tokenize(script: string): Token[] {
  const tokens: Token[] = [];
  const open: string[] = [];
  let at = script.startsWith('\ufeff') ? 1 : 0;
  while (at < script.length) {
    const rest = script.slice(at);
    const character = script[at]!;
    const here = /^@['\u2018-\u201b]\r?\n/.exec(rest);
    if (here) {
      const end = /\r?\n['\u2018-\u201b]@/.exec(rest.slice(here[0].length - 1));
      if (!end) throw new Error('here-string without end');
      const start = here[0].length;
      tokens.push({ kind: 'string', value: rest.slice(start, start - 1 + end.index) });
      at += start - 1 + end.index + end[0].length;
    } else if (character === '"' || /[\u201c-\u201e]/.test(character)) {
      throw new Error('a string that PowerShell would expand');
    } else if (SINGLE.test(character)) {
      const { value, length } = singleQuoted(rest);
      tokens.push({ kind: 'string', value });
      at += length;
    } else if (character === '#') {
      at += /^[^\r\n]*/.exec(rest)![0].length;
    } else if (/^\r?\n/.test(rest)) {
      tokens.push({ kind: 'newline' });
      at += /^\r?\n/.exec(rest)![0].length;
    } else if (/^[ \t]/.test(rest)) {
      at += 1;
    } else {
      at += takeRest(rest, tokens, open);
    }
  }
  if (open.length > 0) throw new Error(`brackets are open: ${open.join(' ')}`);
  return tokens;
}

function singleQuoted(rest: string): { value: string; length: number } {
  let value = '';
  for (let at = 1; at < rest.length; at += 1) {
    if (!SINGLE.test(rest[at]!)) value += rest[at];
    else if (at + 1 < rest.length && SINGLE.test(rest[at + 1]!)) {
      value += rest[at];
      at += 1;
    } else return { value, length: at + 1 };
  }
  throw new Error('string without end');
}

function takeRest(rest: string, tokens: Token[], open: string[]): number {
  const opening = /^(@\(|@\{|[({[])/.exec(rest)?.[0];
  if (opening !== undefined) {
    open.push(OPEN[opening]!);
    tokens.push({ kind: 'symbol', value: opening });
    return opening.length;
  }
  if (/^[)}\]]/.test(rest)) {
    if (open.pop() !== rest[0]) throw new Error(`${rest[0]} closes nothing`);
    tokens.push({ kind: 'symbol', value: rest[0]! });
    return 1;
  }
  const variable = /^[$@][A-Za-z_][A-Za-z0-9_]*/.exec(rest)?.[0];
  if (variable !== undefined) {
    tokens.push({ kind: 'variable', value: variable });
    return variable.length;
  }
  const word = /^(-?[A-Za-z_][A-Za-z0-9_:.\\-]*|[0-9]+)/.exec(rest)?.[0];
  if (word !== undefined) {
    tokens.push({ kind: 'word', value: word });
    return word.length;
  }
  const symbol = /^(::|[=|,;.+&!])/.exec(rest)?.[0];
  if (symbol === undefined) throw new Error(`a character that has no place: ${JSON.stringify(rest[0])}`);
  tokens.push({ kind: 'symbol', value: symbol });
  return symbol.length;
}

/** Parameters of the commands used, from Microsoft's reference; where a parameter has only some values, those. */
const any = undefined;
const commonParameters = { ErrorAction: ['Stop', 'SilentlyContinue', 'Continue', 'Ignore'] } as const;
export const commands: Readonly<Record<string, Readonly<Record<string, readonly string[] | undefined>>>> = {
  'Add-VpnConnection': {
    Name: any,
    ServerAddress: any,
    RememberCredential: any,
    SplitTunneling: any,
    Force: any,
    PassThru: any,
    DnsSuffix: any,
    IdleDisconnectSeconds: any,
    TunnelType: ['Pptp', 'L2tp', 'Sstp', 'Ikev2', 'Automatic'],
    AllUserConnection: any,
    UseWinlogonCredential: any,
    EapConfigXmlStream: any,
    AuthenticationMethod: ['Pap', 'Chap', 'MSChapv2', 'Eap', 'MachineCertificate'],
    EncryptionLevel: ['NoEncryption', 'Optional', 'Required', 'Maximum', 'Custom'],
    MachineCertificateIssuerFilter: any,
    MachineCertificateEKUFilter: any,
  },
  'Set-VpnConnectionIPsecConfiguration': {
    ConnectionName: any,
    AuthenticationTransformConstants: [
      'MD596',
      'SHA196',
      'SHA256128',
      'GCMAES128',
      'GCMAES192',
      'GCMAES256',
      'None',
    ],
    CipherTransformConstants: [
      'DES',
      'DES3',
      'AES128',
      'AES192',
      'AES256',
      'GCMAES128',
      'GCMAES192',
      'GCMAES256',
      'None',
    ],
    EncryptionMethod: ['DES', 'DES3', 'AES128', 'AES192', 'AES256', 'GCMAES128', 'GCMAES256'],
    IntegrityCheckMethod: ['MD5', 'SHA1', 'SHA256', 'SHA384'],
    PfsGroup: ['None', 'PFS1', 'PFS2', 'PFS2048', 'ECP256', 'ECP384', 'PFSMM', 'PFS24'],
    DHGroup: ['None', 'Group1', 'Group2', 'Group14', 'ECP256', 'ECP384', 'Group24'],
    PassThru: any,
    Force: any,
    AllUserConnection: any,
  },
  'New-EapConfiguration': {
    UseWinlogonCredential: any,
    Tls: any,
    UserCertificate: any,
    VerifyServerIdentity: any,
    Ttls: any,
    Peap: any,
  },
  'Add-VpnConnectionRoute': {
    ConnectionName: any,
    DestinationPrefix: any,
    RouteMetric: any,
    PassThru: any,
    AllUserConnection: any,
  },
  'Get-VpnConnection': { Name: any, AllUserConnection: any },
  'Remove-VpnConnection': { Name: any, AllUserConnection: any, Force: any, PassThru: any },
  'Import-Certificate': { FilePath: any, CertStoreLocation: any },
  'Import-PfxCertificate': { FilePath: any, CertStoreLocation: any, Password: any, Exportable: any },
  'Join-Path': { Path: any, ChildPath: any },
  'Read-Host': { Prompt: any, AsSecureString: any },
  'Set-Content': { LiteralPath: any, Value: any, Encoding: ['Ascii', 'UTF8'] },
  'Remove-Item': { LiteralPath: any },
  'Write-Host': {},
  'Out-Null': {},
  'Where-Object': {},
  'ForEach-Object': {},
};

/** Words that are no commands. */
const keywords = new Set(['foreach', 'in', 'try', 'finally', 'if', 'else']);

/** A call of a command: its parameters with what follows each. */
export interface Call {
  command: string;
  parameters: Map<string, Token | undefined>;
}

/**
 * The calls of a script, with the tables that are splatted into them.
 * @throws Error for commands, parameters and values that are not in {@link commands}
 */
export function calls(script: string): Call[] {
  const tokens = tokenize(script);
  const tables = hashTables(tokens);
  const found: Call[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word' || !/^[A-Z][A-Za-z]+-[A-Za-z]+$/.test(token.value)) continue;
    const call: Call = { command: token.value, parameters: new Map() };
    for (let next = at + 1; next < tokens.length && !endsCall(tokens[next]!); next += 1) {
      const each = tokens[next]!;
      if (each.kind === 'word' && each.value.startsWith('-') && !/^-(eq|ne)$/.test(each.value)) {
        call.parameters.set(each.value.slice(1), tokens[next + 1]);
      } else if (each.kind === 'variable' && each.value.startsWith('@')) {
        for (const [name, value] of tables.get(each.value.slice(1)) ?? []) call.parameters.set(name, value);
      } else if (each.kind === 'symbol' && /^[@({]/.test(each.value)) break;
    }
    check(call);
    found.push(call);
  }
  return found;
}

function endsCall(token: Token): boolean {
  return token.kind === 'newline' || (token.kind === 'symbol' && /^[|;)}]/.test(token.value));
}

/** `$name = @{ key = value … }`, one pair a line. */
function hashTables(tokens: readonly Token[]): Map<string, Map<string, Token | undefined>> {
  const tables = new Map<string, Map<string, Token | undefined>>();
  for (const [at, token] of tokens.entries()) {
    const opening = tokens[at + 2];
    if (token.kind !== 'variable' || opening?.kind !== 'symbol' || opening.value !== '@{') continue;
    const table = new Map<string, Token | undefined>();
    for (let next = at + 3; next < tokens.length; next += 1) {
      const [name, equals, value] = tokens.slice(next, next + 3);
      if (name?.kind === 'symbol' && name.value === '}') break;
      const isPair = name?.kind === 'word' && equals?.kind === 'symbol' && equals.value === '=';
      if (!isPair) continue;
      if (table.has(name.value)) throw new Error(`${name.value} comes twice`);
      table.set(name.value, value);
    }
    tables.set(token.value.slice(1), table);
  }
  return tables;
}

function check({ command, parameters }: Call): void {
  const known = commands[command];
  if (known === undefined) throw new Error(`${command} is not known`);
  for (const [name, value] of parameters) {
    const values = Object.hasOwn(known, name) ? known[name] : name in commonParameters ? any : 'unknown';
    if (values === 'unknown') throw new Error(`${command} has no parameter ${name}`);
    const text = value !== undefined && 'value' in value ? value.value : '';
    if (values !== undefined && !values.includes(text))
      throw new Error(`${command} -${name} takes no ${text}`);
  }
}

/** Words at the beginning of statements that are neither known commands nor keywords. */
export function strayWords(script: string): string[] {
  const tokens = tokenize(script);
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1];
    const begins =
      before === undefined ||
      before.kind === 'newline' ||
      (before.kind === 'symbol' && /^[|;{]$/.test(before.value));
    const next = tokens[at + 1];
    const isPair = next?.kind === 'symbol' && next.value === '=';
    if (token.kind !== 'word' || !begins || isPair) return [];
    return keywords.has(token.value) || token.value in commands ? [] : [token.value];
  });
}
