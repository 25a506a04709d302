import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '../core/bytes.js';
import { type Clock, systemClock } from '../core/environment.js';
import { KitError } from '../core/errors.js';
import { type Log, silent } from '../core/log.js';
import type { Secret } from '../core/secret.js';
import { formatIdentity } from '../ike/identity.js';
import type { ChildSaInfo, IkeSaInfo, UnauthenticatedIkeSa } from '../ike/session/types.js';
import type { ChildSuite, IkeSuite } from '../ike/suite.js';
import { formatSelector } from '../ike/traffic-selectors.js';
import { childProposal, formatChildSpi, formatIkeSpi, ikeProposal } from './events.js';

interface KeysDocument {
  schema: 'ipsec-kit/keys@1';
  ikeSas: object[];
  childSas: object[];
}

/**
 * Writes every key of a tunnel into a folder, for decoders: `ikev2_decryption_table` and `esp_sa` as Wireshark reads
 * them (appended), and `keys.json` (`ipsec-kit/keys@1`, replaced atomically). A later run in the same folder adds to
 * what is there. Whoever can read these files can read the traffic, so they are private to the user.
 */
export class KeyLog {
  readonly #directory: string;
  readonly #ikeTable: number;
  readonly #espTable: number;
  readonly #document: KeysDocument;
  readonly #log: Log;
  readonly #clock: Clock;
  #dirty = false;
  #writing: Promise<void> | undefined;

  /**
   * Opens or creates the folder (0700) and its files (0600).
   * @throws {KitError} environment `E_KEYLOG` when the folder or a file cannot be written, usage `E_KEYLOG` when
   *   there is a `keys.json` that is not a key log
   */
  constructor(directory: string, log: Log = silent, clock: Clock = systemClock) {
    this.#directory = directory;
    this.#log = log;
    this.#clock = clock;
    try {
      makeFolder(directory);
      this.#ikeTable = openPrivate(join(directory, 'ikev2_decryption_table'));
      this.#espTable = openPrivate(join(directory, 'esp_sa'));
    } catch (cause) {
      throw new KitError('environment', 'E_KEYLOG', `The key log folder ${directory} cannot be written`, {
        hint: 'Name a folder you may write to with --keylog; only its last component is created.',
        cause,
      });
    }
    this.#document = readDocument(join(directory, 'keys.json'));
  }

  /** Records an IKE SA, also one whose peer was never authenticated; `rekeyOf` is the one it replaces. */
  ikeSa(ikeSa: UnauthenticatedIkeSa & Partial<IkeSaInfo>, rekeyOf?: IkeSaInfo): void {
    const { suite, keys } = ikeSa;
    const name = suite.encr.wiresharkIke?.(suite.keyLength);
    const integ = suite.integ ? suite.integ.wiresharkIke : 'NONE [RFC4306]';
    if (name !== undefined && integ !== undefined) {
      const [ei, er, ai, ar] = [keys.skEi, keys.skEr, keys.skAi, keys.skAr].map(hex);
      const spis = `${formatIkeSpi(ikeSa.initiatorSpi)},${formatIkeSpi(ikeSa.responderSpi)}`;
      this.#append(this.#ikeTable, `${spis},${ei},${er},"${name}",${ai},${ar},"${integ}"`);
    } else {
      this.#log('info', `Wireshark has no name for ${ikeProposal(suite)}: the IKE SA is in keys.json only`);
    }
    this.#document.ikeSas.push({
      time: this.#now(),
      ...ikeSpis(ikeSa),
      rekeyOf: rekeyOf ? ikeSpis(rekeyOf) : null,
      role: ikeSa.role,
      proposal: ikeProposal(suite),
      suite: { ...cipherAndInteg(suite), prf: nameOf(suite.prf), ke: nameOf(suite.ke) },
      local: { ...ikeSa.path.local },
      remote: { ...ikeSa.path.remote },
      natT: ikeSa.path.natT,
      localId: ikeSa.localId ? formatIdentity(ikeSa.localId) : null,
      remoteId: ikeSa.remoteId ? formatIdentity(ikeSa.remoteId) : null,
      keSecret: hex(ikeSa.keSecret),
      nonceI: toHex(ikeSa.nonceI),
      nonceR: toHex(ikeSa.nonceR),
      skeyseed: hex(keys.skeyseed),
      skD: hex(keys.skD),
      skAi: hex(keys.skAi),
      skAr: hex(keys.skAr),
      skEi: hex(keys.skEi),
      skEr: hex(keys.skEr),
      skPi: hex(keys.skPi),
      skPr: hex(keys.skPr),
    });
    this.#save();
  }

  /** Records a pair of child SAs made under `parent`; `rekeyOf` is the pair it replaces. */
  childSa(child: ChildSaInfo, parent: IkeSaInfo, rekeyOf?: ChildSaInfo): void {
    const { suite, keys, path, role } = child;
    const byInitiator = { encr: keys.initiatorEncr, integ: keys.initiatorInteg };
    const byResponder = { encr: keys.responderEncr, integ: keys.responderInteg };
    // RFC 7296 2.17: the exchange's initiator sends with the first half of KEYMAT.
    const [sent, received] = role === 'initiator' ? [byInitiator, byResponder] : [byResponder, byInitiator];
    const outbound = { spi: child.outboundSpi, source: path.local, destination: path.remote, ...sent };
    const inbound = { spi: child.inboundSpi, source: path.remote, destination: path.local, ...received };

    const encrName = suite.encr.wiresharkEsp;
    const integName = suite.integ ? (suite.integ.wiresharkEsp ?? anyAuthentication(suite)) : 'NULL';
    if (encrName !== undefined) {
      for (const { spi, source, destination, encr, integ } of [outbound, inbound]) {
        const family = source.address.includes(':') ? 'IPv6' : 'IPv4';
        const fields = [
          family,
          source.address,
          destination.address,
          formatChildSpi(spi),
          encrName,
          prefixed(encr),
          integName,
          prefixed(integ),
        ];
        this.#append(this.#espTable, fields.map((field) => `"${field}"`).join(','));
      }
    } else {
      this.#log(
        'info',
        `Wireshark has no name for ${childProposal(suite)}: the child SA is in keys.json only`,
      );
    }

    const direction = ({ spi, source, destination, encr, integ }: typeof outbound) => ({
      spi: formatChildSpi(spi),
      source: { ...source },
      destination: { ...destination },
      encrKey: hex(encr),
      integKey: hex(integ),
    });
    this.#document.childSas.push({
      time: this.#now(),
      parent: ikeSpis(parent),
      rekeyOf: rekeyOf
        ? { inboundSpi: formatChildSpi(rekeyOf.inboundSpi), outboundSpi: formatChildSpi(rekeyOf.outboundSpi) }
        : null,
      role,
      proposal: childProposal(suite),
      suite: { ...cipherAndInteg(suite), ke: suite.ke ? nameOf(suite.ke) : null, esn: suite.esn },
      natT: child.encapsulation === 'udp',
      localTs: child.localTs.map(formatSelector),
      remoteTs: child.remoteTs.map(formatSelector),
      keSecret: child.keSecret ? hex(child.keSecret) : null,
      inbound: direction(inbound),
      outbound: direction(outbound),
    });
    this.#save();
  }

  /** Waits until everything is on disk and closes the files. */
  async close(): Promise<void> {
    await this.#writing;
    closeSync(this.#ikeTable);
    closeSync(this.#espTable);
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #append(file: number, line: string): void {
    try {
      writeSync(file, `${line}\n`);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Replaces keys.json in the background; changes that come meanwhile make one more round. */
  #save(): void {
    this.#dirty = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    const path = join(this.#directory, 'keys.json');
    const temporary = `${path}.${process.pid}.tmp`;
    while (this.#dirty) {
      this.#dirty = false;
      try {
        // A file or link that lies there is not ours to write keys into: somebody else may be reading it.
        await rm(temporary, { force: true });
        const file = await open(temporary, 'wx', 0o600);
        try {
          await file.writeFile(`${JSON.stringify(this.#document, null, 1)}\n`);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {});
        this.#failed(error);
      }
    }
  }

  /** A full disk must not take the tunnel down. */
  #failed(error: unknown): void {
    this.#log('error', `the key log in ${this.#directory} is incomplete: ${(error as Error).message}`);
  }
}

/** Only the last component: Node's recursive mkdir never ends where mkdir says ENOENT below a folder, as /proc does. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  chmodSync(path, 0o700);
}

function openPrivate(path: string): number {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const status = fstatSync(file);
  // Its owner could read along whatever the mode is.
  if (!status.isFile() || status.uid !== process.geteuid?.()) {
    closeSync(file);
    throw new Error(`${path} is there already and belongs to somebody else`);
  }
  fchmodSync(file, 0o600);
  return file;
}

function readDocument(path: string): KeysDocument {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { schema: 'ipsec-kit/keys@1', ikeSas: [], childSas: [] };
    }
    throw new KitError('environment', 'E_KEYLOG', `The key log ${path} cannot be read`, { cause: error });
  }
  const foreign = new KitError('usage', 'E_KEYLOG', `${path} exists and is not a key log of this tool`, {
    hint: 'Name another folder with --keylog, or move the file away.',
  });
  try {
    const document = JSON.parse(text) as KeysDocument;
    if (document?.schema !== 'ipsec-kit/keys@1') throw foreign;
    if (!Array.isArray(document.ikeSas) || !Array.isArray(document.childSas)) throw foreign;
    return document;
  } catch {
    throw foreign;
  }
}

function hex(secret: Secret): string {
  return toHex(secret.reveal());
}

function prefixed(secret: Secret): string {
  return secret.length === 0 ? '' : `0x${hex(secret)}`;
}

function ikeSpis(ikeSa: UnauthenticatedIkeSa) {
  return { initiatorSpi: formatIkeSpi(ikeSa.initiatorSpi), responderSpi: formatIkeSpi(ikeSa.responderSpi) };
}

function nameOf({ id, name }: { id: number; name: string }) {
  return { id, name };
}

function cipherAndInteg({ encr, keyLength, integ }: IkeSuite | ChildSuite) {
  return { encr: { ...nameOf(encr), keyLength }, integ: integ ? nameOf(integ) : null };
}

/** Wireshark's way to skip an ICV it cannot check, so that it still decrypts. */
function anyAuthentication({ integ }: ChildSuite): string {
  return `ANY ${(integ?.icvBytes ?? 0) * 8} bit authentication [no checking]`;
}
