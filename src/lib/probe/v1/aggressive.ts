import { keTransform } from '../../crypto/registry.js';
import { formatIdentity, type Identity } from '../../ike/identity.js';
import { phase1AuthMethodName } from '../../ike/v1/names.js';
import type { Ikev1Facts } from '../types.js';
import { aggressiveOffer, remoteAccessOffer } from './candidates.js';
import type { AcceptedPhase1 } from './main-mode.js';
import { dataOf, identityBody, pskCrackLine } from './messages.js';
import { Auth, Hash, matching, type Phase1, phase1Key, TRANSFORM_BYTES } from './phase1.js';
import type { Phase1Answer, Phase1Questions } from './questions.js';

type Accepted = Extract<Phase1Answer, { verdict: 'accepted' }>;
type AggressiveHash = NonNullable<Ikev1Facts['aggressiveHash']>;

export interface AggressiveFacts {
  accepted: AcceptedPhase1[];
  /** What the gateway calls itself. */
  identity: string | undefined;
  hash: AggressiveHash | undefined;
  inconclusive: string[];
}

/** Suites that are asked for one by one. */
const MOST_SUITES = 8;
/** Bytes of a question, and of everything in it but transforms and public value, with a long identity. */
const MOST_BYTES = 1400;
const OTHER_BYTES = 250;

/** Methods whose HASH_R comes from the pre-shared key. */
const withPsk: ReadonlySet<number> = new Set([Auth.PSK, Auth.XAUTH_PSK]);

const hashNames: Readonly<Record<number, AggressiveHash['hash']>> = {
  [Hash.MD5]: 'md5',
  [Hash.SHA1]: 'sha1',
  [Hash.SHA256]: 'sha256',
  [Hash.SHA384]: 'sha384',
  [Hash.SHA512]: 'sha512',
};

/** Finds the suites of Aggressive Mode, and takes what an offline guess at a pre-shared key needs. */
export class AggressiveMode {
  readonly #questions: Phase1Questions;
  readonly #identity: Identity;
  readonly #answers: Phase1Answer[] = [];
  readonly #accepted = new Map<string, { suite: Phase1; answer: Accepted }>();
  readonly #inconclusive = new Set<string>();
  /** Groups of questions that were answered. */
  readonly #groups = new Set<number>();

  constructor(questions: Phase1Questions, identity: Identity) {
    this.#questions = questions;
    this.#identity = identity;
  }

  /** What came of every question so far. */
  get answers(): readonly Phase1Answer[] {
    return this.#answers;
  }

  /** The two most usual groups with a pre-shared key, once each. */
  async contact(): Promise<void> {
    await Promise.all([2, 14].map((group) => this.#ask(aggressiveOffer(Auth.PSK, group), true)));
  }

  /** @param mainMode suites of Main Mode, whose groups are asked about too */
  async explore(mainMode: readonly Phase1[]): Promise<void> {
    const silent = this.#answers.every(({ verdict }) => verdict === 'no answer');
    // Libreswan is silent where no connection allows Aggressive Mode with the method, whatever the group.
    if (silent) await this.#ask(aggressiveOffer(Auth.PSK, 2));
    const stillSilent = this.#answers.every(({ verdict }) => verdict === 'no answer');
    const more = stillSilent ? [14] : [...mainMode.map(({ group }) => group), 14, 5, 1];
    const groups = [...new Set(more)].filter(
      (group) => !this.#groups.has(group) && keTransform(group)?.generate !== undefined,
    );
    const offers = groups.slice(0, 4).map((group) => aggressiveOffer(Auth.PSK, group));
    await Promise.all(offers.map((offer) => this.#ask(offer, stillSilent)));
    if (this.#accepted.size === 0) await this.#otherMethods(stillSilent, mainMode.length > 0);
    await Promise.all([...this.#accepted.values()].map(({ suite }) => this.#exhaust(suite)));
  }

  /** Takes the hash that is easiest to use: psk-crack knows MD5 and SHA-1, and hashcat at most 512 bytes. */
  async facts(): Promise<AggressiveFacts> {
    const found = [...this.#accepted.values()];
    const [best] = found
      .filter(({ suite }) => withPsk.has(suite.auth) && hashNames[suite.hash] !== undefined)
      .sort((a, b) => cost(a.suite) - cost(b.suite));
    return {
      hash: best && (await this.#capture(best.suite, best.answer)),
      accepted: found.map(({ suite, answer }) => ({ suite, packets: answer.packets })),
      identity: found.map(({ answer }) => identityOf(answer)).find((identity) => identity !== undefined)
        ?.text,
      inconclusive: [...this.#inconclusive],
    };
  }

  /**
   * @param exactly each method by itself, because some gateways look at the method of the first transform only; where
   *   Main Mode is refused altogether one question for all of them will do
   */
  async #otherMethods(once: boolean, exactly: boolean): Promise<void> {
    const methods = [Auth.XAUTH_PSK, Auth.RSA, Auth.HYBRID_RSA];
    const offers = [2, 14].flatMap((group) =>
      exactly ? methods.map((auth) => aggressiveOffer(auth, group)) : [remoteAccessOffer(methods, group)],
    );
    await Promise.all(offers.map((offer) => this.#ask(offer, once)));
  }

  /** What else is accepted with the method and the group of a suite. */
  async #exhaust({ auth, group }: Phase1): Promise<void> {
    let rest = this.#open(aggressiveOffer(auth, group));
    while (rest.length > 0) {
      if (this.#questions.left === 0 || this.#accepted.size >= MOST_SUITES) {
        this.#unfinished(auth, 'not all combinations were asked');
        return;
      }
      const answer = await this.#ask(rest);
      if (answer.verdict === 'refused') return;
      const left = this.#open(rest);
      if (left.length === rest.length) {
        this.#unfinished(auth, `no answer to ${rest.length} combinations`);
        return;
      }
      rest = left;
    }
  }

  #open(candidates: readonly Phase1[]): Phase1[] {
    return candidates.filter((candidate) => !this.#accepted.has(phase1Key(candidate)));
  }

  async #ask(offer: readonly Phase1[], once = false): Promise<Phase1Answer> {
    const publicBytes = keTransform(offer[0]!.group)?.publicBytes ?? 0;
    const room = Math.max(1, Math.floor((MOST_BYTES - OTHER_BYTES - publicBytes) / TRANSFORM_BYTES));
    const candidates = offer.slice(0, room);
    const answer = await this.#questions.aggressive(candidates, this.#identity, { once });
    this.#answers.push(answer);
    if (answer.verdict !== 'no answer') this.#groups.add(candidates[0]!.group);
    if (answer.verdict !== 'accepted') return answer;
    const suite = matching(candidates, answer.chosen);
    if (suite !== undefined) this.#accepted.set(phase1Key(suite), { suite, answer });
    return answer;
  }

  /** Asks once more for the suite alone where it was one of many, because the offer is part of the line. */
  async #capture(suite: Phase1, answer: Accepted): Promise<AggressiveHash | undefined> {
    if (answer.sent.candidates.length === 1) return hashOf(suite, answer);
    const again = await this.#questions.aggressive([suite], this.#identity);
    return (again.verdict === 'accepted' ? hashOf(suite, again) : undefined) ?? hashOf(suite, answer);
  }

  #unfinished(auth: number, why: string): void {
    this.#inconclusive.add(`Aggressive Mode with ${phase1AuthMethodName(auth)}: ${why}`);
  }
}

function cost({ hash, group }: Phase1): number {
  const known = hash === Hash.MD5 || hash === Hash.SHA1;
  return (known ? 0 : 1e6) + (keTransform(group)?.publicBytes ?? 0);
}

function identityOf({ payloads }: Accepted): { text: string; body: Uint8Array } | undefined {
  const payload = payloads.find(({ type }) => type === 5);
  if (payload?.type !== 5) return undefined;
  return {
    text: formatIdentity({ idType: payload.idType, data: payload.data }),
    body: identityBody(payload),
  };
}

function hashOf(suite: Phase1, answer: Accepted): AggressiveHash | undefined {
  const { payloads, sent, spiR, packets } = answer;
  const identity = identityOf(answer);
  const publicValue = dataOf(payloads, 4);
  const nonce = dataOf(payloads, 10);
  const hash = dataOf(payloads, 8);
  const name = hashNames[suite.hash];
  if (!identity || !publicValue || !nonce || !hash || name === undefined) return undefined;
  const line = pskCrackLine(sent, spiR, { publicValue, identityBody: identity.body, nonce, hash });
  return { identity: identity.text, hash: name, line, packets };
}
