import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './kit.js';
import { run } from './process.js';

/** A certificate and its key as PEM files. */
export interface Identity {
  /** Its first domain name. */
  name: string;
  cert: string;
  key: string;
}

/** A folder with a CA: its certificate, its key, and what it has issued. */
export interface Authority {
  readonly dir: string;
  readonly cert: string;
  /** The CAs between it and the root, its own first: what a peer that knows the root only has to be sent. */
  readonly chain: readonly string[];
  issue(name: string, options?: IssueOptions): Promise<Identity>;
  /** Revokes a certificate; the file of the list that says so. */
  revoke(identity: Identity): Promise<string>;
  /** A list that revokes nobody. */
  emptyCrl(): Promise<string>;
}

/** `rsa-2048`, `ecdsa-p256`, `ed25519`, ... as `ipsec-kit cert issue --key-type` writes them. */
export type KeyType = `rsa-${number}` | `ecdsa-p${256 | 384 | 521}` | 'ed25519' | 'ed448';

export interface IssueOptions {
  /** [ecdsa-p256] */
  keyType?: KeyType;
  /** More names. */
  san?: readonly string[];
}

export interface AuthorityOptions {
  /** [ecdsa-p256] */
  keyType?: KeyType;
  /** How many CAs may stand below. */
  pathLength?: number;
  /** Domain names it may issue. */
  permit?: string;
}

/** Runs `ipsec-kit` to its end; its standard output. Throws when it fails. */
export function kit(...words: string[]): Promise<string> {
  return run([process.execPath, command, ...words]);
}

/** A CA made by our own `ipsec-kit cert`. */
export class KitAuthority implements Authority {
  readonly cert: string;

  private constructor(
    readonly dir: string,
    readonly chain: readonly string[],
  ) {
    this.cert = join(dir, 'ca.crt');
  }

  static async create(
    dir: string,
    options: AuthorityOptions = {},
    issuer?: KitAuthority,
  ): Promise<KitAuthority> {
    mkdirSync(dir, { recursive: true });
    const { keyType, pathLength, permit } = options;
    const flags = {
      'issuer-store': issuer?.dir,
      'key-type': keyType,
      'path-length': pathLength?.toString(),
      permit: permit && `dns:${permit}`,
    };
    await kit('cert', 'ca', '--store', dir, ...words(flags));
    return new KitAuthority(dir, issuer ? [join(dir, 'ca.crt'), ...issuer.chain] : []);
  }

  /** `bob…` names a gateway, everyone else is a client. */
  async issue(name: string, { keyType, san = [] }: IssueOptions = {}): Promise<Identity> {
    const role = name.startsWith('bob') ? '--server' : '--client';
    await kit('cert', 'issue', name, ...san, role, '--store', this.dir, ...words({ 'key-type': keyType }));
    return { name, cert: join(this.dir, `${name}.crt`), key: join(this.dir, `${name}.key`) };
  }

  async revoke({ name }: Identity): Promise<string> {
    await kit('cert', 'revoke', name, '--store', this.dir);
    return join(this.dir, 'ca.crl');
  }

  async emptyCrl(): Promise<string> {
    await kit('cert', 'crl', '--store', this.dir);
    return join(this.dir, 'ca.crl');
  }
}

/** What strongSwan's `pki` can issue besides: certificates that must be refused. */
export interface PkiIssueOptions extends IssueOptions {
  /** Days from now, negative in the past. [-1, 365] */
  from?: number;
  to?: number;
  /** [serverAuth and clientAuth] */
  usages?: readonly string[];
  digest?: 'sha1' | 'sha256';
  /** [the CA's own] */
  folder?: string;
}

const day = 86_400_000;

/** A CA made by strongSwan's `pki`. */
export class PkiAuthority implements Authority {
  readonly cert: string;
  readonly #key: string;
  #lists = 0;

  private constructor(
    readonly dir: string,
    readonly chain: readonly string[],
  ) {
    this.cert = join(dir, 'ca.crt');
    this.#key = join(dir, 'ca.key');
  }

  static async create(
    dir: string,
    options: AuthorityOptions = {},
    issuer?: PkiAuthority,
  ): Promise<PkiAuthority> {
    mkdirSync(dir, { recursive: true });
    const authority = new PkiAuthority(dir, issuer ? [join(dir, 'ca.crt'), ...issuer.chain] : []);
    const { keyType, pathLength, permit } = options;
    await generate(keyType, authority.#key);
    const subject = `O=Interop, CN=pki ${dir.split('/').at(-1)}`;
    const flags = [
      ...['--ca', '--dn', subject, '--outform', 'pem'],
      ...words({ pathlen: pathLength?.toString(), 'nc-permitted': permit && `dns:${permit}` }),
    ];
    const made = issuer
      ? await issuer.#sign(authority.#key, flags)
      : await run(['pki', '--self', '--type', 'priv', '--in', authority.#key, ...flags]);
    writeFileSync(authority.cert, made);
    return authority;
  }

  async issue(name: string, options: PkiIssueOptions = {}): Promise<Identity> {
    const { keyType, san = [], from = -1, to = 365, digest } = options;
    const { usages = ['serverAuth', 'clientAuth'] } = options;
    const { folder = this.dir } = options;
    mkdirSync(folder, { recursive: true });
    const identity = { name, cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    await generate(keyType, identity.key);
    const date = (days: number) => new Date(Date.now() + days * day).toISOString().slice(0, 19);
    const flags = [
      ...['--dn', `O=Interop, CN=${name}`, '--outform', 'pem'],
      ...['--dateform', '%Y-%m-%dT%H:%M:%S', '--not-before', date(from), '--not-after', date(to)],
      ...[name, ...san].flatMap((each) => ['--san', each]),
      ...usages.flatMap((usage) => ['--flag', usage]),
      ...words({ digest }),
    ];
    writeFileSync(identity.cert, await this.#sign(identity.key, flags));
    return identity;
  }

  revoke({ cert }: Identity): Promise<string> {
    return this.#crl(['--cert', cert, '--reason', 'key-compromise']);
  }

  emptyCrl(): Promise<string> {
    return this.#crl([]);
  }

  async #crl(flags: string[]): Promise<string> {
    const file = join(this.dir, `ca-${++this.#lists}.crl`);
    const ca = ['--cacert', this.cert, '--cakey', this.#key];
    writeFileSync(file, await run(['pki', '--signcrl', ...ca, '--outform', 'pem', ...flags]));
    return file;
  }

  #sign(key: string, flags: string[]): Promise<string> {
    const ca = ['--cacert', this.cert, '--cakey', this.#key];
    return run(['pki', '--issue', '--type', 'priv', '--in', key, ...ca, ...flags]);
  }
}

async function generate(keyType: KeyType = 'ecdsa-p256', file: string): Promise<void> {
  const [type = '', size] = keyType.split(/-p?/);
  const pem = await run(['pki', '--gen', '--type', type, ...words({ size }), '--outform', 'pem']);
  writeFileSync(file, pem, { mode: 0o600 });
}

function words(flags: Record<string, string | undefined>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}
