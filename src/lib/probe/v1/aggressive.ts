import { keTransform } from '../../crypto/registry.js';
import { formatIdentity, type Identity } from '../../ike/identity.js';
import { ikev1NotifyName, phase1AuthMethodName } from '../../ike/v1/names.js';
import type { Ikev1Facts } from '../types.js';
import { aggressiveOffer, remoteAccessOffer } from './candidates.js';
import type { AcceptedPhase1 } from './main-mode.js';
import { dataOf, identityBody, pskCrackLine } from './messages.js';
import { Auth, Hash, matching, type Phase1, phase1Key, TRANSFORM_BYTES } from './phase1.js';
import { isAboutIdentity, type Phase1Answer, type Phase1Questions } from './questions.js';

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

const usualGroups: readonly number[] = [2, 14];
/** Asked about where Main Mode does not show what a gateway has. */
const newerGroups: readonly number[] = [19, 20, 21, 15, 16, 31];
const otherMethods: readonly number[] = [Auth.XAUTH_PSK, Auth.RSA, Auth.HYBRID_RSA];

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
  /** Groups of questions that were answered, by authentication method. */
  readonly #answered = new Map<number, ReadonlySet<number>>();

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
    await this.#askGroups(Auth.PSK, usualGroups, true);
  }

  /**
   * @param mainMode suites of Main Mode, whose groups are asked about too; `silent`: it answered nothing, as libreswan does
   * that has Aggressive Mode alone
   */
  async explore(mainMode: readonly Phase1[] | 'silent'): Promise<void> {
    const isAlone = mainMode === 'silent';
    const fromMainMode = isAlone ? [] : [...new Set(mainMode.map(({ group }) => group))].slice(0, 3);
    const rare = [...fromMainMode, 5, 1, ...(isAlone ? newerGroups : [])];
    if (this.#groupsOf(Auth.PSK).size < usualGroups.length) await this.contact();
    const isAnswered = this.#groupsOf(Auth.PSK).size > 0;
    if (isAnswered) await this.#askGroups(Auth.PSK, [...usualGroups, ...rare]);
    if (this.#accepted.size === 0) {
      if (!isAnswered) await this.#otherMethodsOneByOne(rare);
      else if (fromMainMode.length === 0) await this.#otherMethodsTogether();
      else await Promise.all(otherMethods.map((auth) => this.#askGroups(auth, fromMainMode)));
    }
    await Promise.all([...this.#accepted.values()].map(({ suite }) => this.#exhaust(suite)));
    this.#sayWhoWasRefused();
  }

  /** Gateways may take a proposal and not us. */
  #sayWhoWasRefused(): void {
    const name = formatIdentity(this.#identity);
    const refusal = this.#answers.find(isAboutIdentity);
    if (this.#answers.every(({ verdict }) => verdict === 'no answer')) {
      this.#inconclusive.add(`Aggressive Mode: no answer to us as ${name}; another identity may get one`);
    } else if (this.#accepted.size === 0 && refusal !== undefined) {
      const why = ikev1NotifyName(refusal.notify);
      this.#inconclusive.add(`Aggressive Mode: ${why} for us as ${name}; another identity may get in`);
    }
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

  /** Libreswan is silent unless a connection allows Aggressive Mode with the method, and then answers for any group. */
  async #otherMethodsOneByOne(rareGroups: readonly number[]): Promise<void> {
    await Promise.all(
      otherMethods.map(async (auth) => {
        await this.#askGroups(auth, usualGroups, true);
        if (this.#groupsOf(auth).size > 0) await this.#askGroups(auth, [...usualGroups, ...rareGroups]);
      }),
    );
  }

  /** Where everything was refused so far, one question for all methods will do. */
  async #otherMethodsTogether(): Promise<void> {
    const offers = usualGroups.map((group) => remoteAccessOffer(otherMethods, group));
    await Promise.all(offers.map((offer) => this.#ask(offer)));
  }

  /** Asks about groups that have not been answered with this method. */
  async #askGroups(auth: number, groups: readonly number[], once = false): Promise<void> {
    const answered = this.#groupsOf(auth);
    const open = [...new Set(groups)].filter(
      (group) => !answered.has(group) && keTransform(group)?.generate !== undefined,
    );
    await Promise.all(open.map((group) => this.#ask(aggressiveOffer(auth, group), once)));
  }

  /** Groups that were answered with a method. */
  #groupsOf(auth: number): ReadonlySet<number> {
    return this.#answered.get(auth) ?? new Set();
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
    if (answer.verdict !== 'no answer') {
      for (const { auth, group } of candidates) {
        this.#answered.set(auth, new Set([...this.#groupsOf(auth), group]));
      }
    }
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
