import { KitError } from '../core/errors.js';
import { type Cidr, parseCidr, parseIp } from '../core/ip.js';
import type { DecodedPacket } from './types.js';

const NAMES = ['exchange', 'spi', 'address', 'finding'] as const;
type Name = (typeof NAMES)[number];

/**
 * Chooses what is shown; what is analysed does not change. Terms are `name=value`, separated by blanks; a name given
 * twice means either value, different names must all hold:
 *
 * - `exchange=IKE_AUTH`: part of the exchange's name, case and punctuation aside (`exchange=main-mode`)
 * - `spi=0xc0ffee01`: of an ESP or AH packet (32 bits), or of either side of an IKE SA (64 bits)
 * - `address=10.0.0.1`, `address=10.0.0.0/8`: source or destination
 * - `finding=NO_PROPOSAL_CHOSEN`: frames that the finding names as evidence; known only once all is read
 */
export class PacketFilter {
  /** The terms as they were given. */
  readonly text: string;
  readonly #terms = new Map<Name, string[]>();
  readonly #ranges: Cidr[] = [];

  /** @throws {KitError} `E_FILTER` (usage) */
  constructor(texts: readonly string[]) {
    const terms = texts.flatMap((text) => text.split(/\s+/)).filter((word) => word !== '');
    for (const term of terms) this.#add(term);
    this.text = terms.join(' ');
  }

  get empty(): boolean {
    return this.#terms.size === 0;
  }

  /** Whether it asks for findings, which the end of the capture brings. */
  get needsFindings(): boolean {
    return this.#terms.has('finding');
  }

  /** All but the findings. */
  matches(packet: DecodedPacket): boolean {
    if (this.empty) return true;
    return (
      this.#holds(
        'exchange',
        (value) => packet.ike !== undefined && isExchange(packet.ike.exchange, value),
      ) &&
      this.#holds('spi', (value) => spisOf(packet).includes(value)) &&
      this.#holdsAddress([hostOf(packet.src), hostOf(packet.dst)])
    );
  }

  /** The same question for a conversation: names of its exchanges, SPIs in any notation, addresses with or without ports. */
  matchesConversation(talk: { exchanges: string[]; spis: string[]; addresses: string[] }): boolean {
    const spis = talk.spis.map(plainSpi);
    return (
      this.#holds('exchange', (value) => talk.exchanges.some((name) => isExchange(name, value))) &&
      this.#holds('spi', (value) => spis.includes(value)) &&
      this.#holdsAddress(talk.addresses.map(hostOf))
    );
  }

  matchesFinding(finding: { id: string }): boolean {
    return this.#holds('finding', (value) => value === 'any' || fold(finding.id) === value);
  }

  #holds(name: Name, test: (value: string) => boolean): boolean {
    return this.#terms.get(name)?.some(test) ?? true;
  }

  #holdsAddress(addresses: readonly string[]): boolean {
    return (
      this.#ranges.length === 0 || this.#ranges.some((range) => addresses.some((a) => contains(range, a)))
    );
  }

  #add(term: string): void {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/i.exec(term) ?? [];
    const known = NAMES.find((candidate) => candidate === name.toLowerCase());
    if (known === undefined) {
      throw filterError(`${JSON.stringify(term)} is no filter: it begins with none of ${NAMES.join(', ')}`);
    }
    this.#terms.set(known, [...(this.#terms.get(known) ?? []), this.#value(known, value)]);
  }

  #value(name: Name, value: string): string {
    if (name === 'address') {
      try {
        this.#ranges.push(parseCidr(value));
      } catch {
        throw filterError(`${JSON.stringify(value)} is neither an address nor a range of addresses`);
      }
      return value;
    }
    if (name !== 'spi') return fold(value);
    if (!/^(0x)?[0-9a-f]{1,16}$/i.test(value)) throw filterError(`${JSON.stringify(value)} is not an SPI`);
    return plainSpi(value);
  }
}

function filterError(message: string): KitError {
  return new KitError('usage', 'E_FILTER', message, {
    hint: 'Write for example --filter "exchange=IKE_AUTH address=10.0.0.1", spi=0xc0ffee01 or finding=NO_PROPOSAL_CHOSEN.',
  });
}

function fold(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function isExchange(name: string, wanted: string): boolean {
  return fold(name).includes(wanted);
}

/** Lower case without `0x` and leading zeros, so that notations compare. */
function plainSpi(spi: string): string {
  return spi
    .toLowerCase()
    .replace(/^0x/, '')
    .replace(/^0+(?=.)/, '');
}

function spisOf({ ike, esp, ah, inner }: DecodedPacket): string[] {
  const own = [ike?.spiI, ike?.spiR, esp?.spi, ah?.spi].filter((spi) => spi !== undefined).map(plainSpi);
  return inner?.packet === undefined ? own : [...own, ...spisOf(inner.packet)];
}

/** `[2001:db8::1]:500` and `192.0.2.1:500` without port. */
function hostOf(endpoint: string): string {
  const [, bracketed] = /^\[(.*)\]/.exec(endpoint) ?? [];
  if (bracketed !== undefined) return bracketed;
  const colon = endpoint.indexOf(':');
  return colon !== -1 && colon === endpoint.lastIndexOf(':') ? endpoint.slice(0, colon) : endpoint;
}

function contains({ address, prefix }: Cidr, text: string): boolean {
  const candidate = parseIp(text);
  if (candidate.length !== address.length) return false;
  for (let bit = 0; bit < prefix; bit += 8) {
    const mask = prefix - bit >= 8 ? 0xff : (0xff00 >> (prefix - bit)) & 0xff;
    if (((candidate[bit >> 3]! ^ address[bit >> 3]!) & mask) !== 0) return false;
  }
  return true;
}
