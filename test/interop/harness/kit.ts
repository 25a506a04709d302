import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TunnelEvent } from '../../../src/lib/tunnel/types.js';
import type { Host, Lab } from './lab.js';
import type { Child, Exit } from './process.js';
import { checkDocument } from './schemas.js';
import { defaultPsk } from './strongswan-config.js';

/** The command as built here, or as installed elsewhere with IPSEC_KIT_COMMAND. */
export const command =
  process.env.IPSEC_KIT_COMMAND ?? fileURLToPath(new URL('../../../bin/run.js', import.meta.url));

/** Flags by name, without dashes: a list repeats its flag, `true` stands alone, undefined is left out. */
export type Flags = Record<string, string | number | readonly string[] | true | undefined>;

type EventName = TunnelEvent['event'];
/** An event as printed: with its schema and time. */
export type Printed<Name extends EventName = EventName> = Extract<TunnelEvent, { event: Name }> & {
  schema: string;
  time: string;
};

export interface KitOptions {
  /** Undefined: the key of every test. */
  psk?: string;
  format?: 'ndjson' | 'text';
  /** A folder of programs the command finds in place of the system's /usr/local/sbin. */
  programs?: string;
  /** A module that Node.js loads before the command, to make it do wrong. */
  preload?: string;
  /** A program that runs the command, e.g. with fewer rights. */
  wrapper?: readonly string[];
}

/** A running `ipsec-kit connect` or `serve`. */
export class Kit {
  readonly #events: Printed[] = [];
  /** How much of stdout is in `#events`. */
  #read = 0;

  constructor(readonly child: Child) {}

  /** Every event so far; each is checked against the shipped schema. */
  get events(): readonly Printed[] {
    const end = this.child.stdout.lastIndexOf('\n') + 1;
    for (const line of this.child.stdout.slice(this.#read, end).split('\n').filter(Boolean)) {
      const event = JSON.parse(line) as Printed;
      checkDocument('event', event);
      this.#events.push(event);
    }
    this.#read = Math.max(this.#read, end);
    return this.#events;
  }

  /** All events of one name so far. */
  all<Name extends EventName>(name: Name): Printed<Name>[] {
    return this.events.filter((event): event is Printed<Name> => event.event === name);
  }

  /** The n-th event of a name (from 1), as soon as it is there. Rejects when the process ends without it. */
  waitFor<Name extends EventName>(name: Name, nth = 1, timeout = 20_000): Promise<Printed<Name>> {
    return this.child.wait(`event ${name} #${nth}`, () => this.all(name)[nth - 1], timeout);
  }

  /** Leaves as a user does. */
  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Exit> {
    return this.child.stop(signal);
  }

  /** The end of a command that ends by itself. */
  ended(timeout = 60_000): Promise<Exit> {
    return this.child.wait('the end of the command', () => this.child.exit, timeout);
  }
}

/** `ipsec-kit connect` as alice.test to bob.test. */
export function connect(lab: Lab, host: Host, gateway: string, flags: Flags = {}, options?: KitOptions): Kit {
  return start(
    lab,
    host,
    ['connect', gateway],
    { 'local-id': 'alice.test', 'remote-id': 'bob.test', ...flags },
    options,
  );
}

/** `ipsec-kit serve` as bob.test, started when this resolves. */
export async function serve(lab: Lab, host: Host, flags: Flags = {}, options?: KitOptions): Promise<Kit> {
  const kit = start(lab, host, ['serve'], { 'local-id': 'bob.test', ...flags }, options);
  await kit.waitFor('listening');
  return kit;
}

/** The sentence and the hint a failed command prints on stderr, and its last event. */
export function verdict(kit: Kit) {
  const sentence = /^error: (.*) \((E_[A-Z_0-9]+)\)$/m.exec(kit.child.stderr);
  return {
    sentence: sentence?.[1] ?? kit.child.stderr,
    code: sentence?.[2],
    hint: /^hint: (.+)$/m.exec(kit.child.stderr)?.[1],
    event: kit.all('error').at(-1),
  };
}

/** The plane that tests run with which name none: undefined is the command's own choice. */
export const planeOfTests = process.env.IPSEC_KIT_TEST_PLANE;

function start(lab: Lab, host: Host, words: string[], flags: Flags, options: KitOptions = {}): Kit {
  if (!existsSync(command)) throw new Error(`${command} is missing: build first`);
  const { psk = defaultPsk, format = 'ndjson', programs, preload, wrapper = [] } = options;
  const node = [process.execPath, ...(preload === undefined ? [] : ['--import', preload])];
  const argv = [
    ...node,
    command,
    ...words,
    '--format',
    format,
    ...formatFlags({ plane: planeOfTests, ...flags }),
  ];
  const env = { PATH: process.env.PATH, HOME: lab.tmp, TMPDIR: lab.tmp, IPSEC_KIT_PSK: psk };
  const mounted = programs
    ? ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /usr/local/sbin && exec "$@"', programs]
    : [];
  return new Kit(lab.spawn(host, [...mounted, ...wrapper, ...argv], { env }));
}

function formatFlags(flags: Flags): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (value === true) return [`--${name}`];
    return [value].flat().flatMap((each) => [`--${name}`, String(each)]);
  });
}
