import { phase1AuthMethodName } from '../../ike/v1/names.js';
import type { PacketNumbers } from '../types.js';
import {
  contactOffers,
  everything,
  METHOD_OF_NOBODY,
  neighbours,
  otherMethods,
  product,
} from './candidates.js';
import { matching, type Phase1, phase1Key, UNDECIDED_AUTH } from './phase1.js';
import type { AskHow, Phase1Answer, Phase1Questions } from './questions.js';

/** Transforms of one question: about 1,350 bytes, which pass every path in one piece. */
const MOST_TRANSFORMS = 36;
/** Suites that are asked for one by one: each leaves a half-open SA on gateways that do not let go of it. */
const MOST_SUITES = 40;
/** Ends what is said of open questions in which no algorithm occurs that is not accepted already. */
export const ONLY_PRODUCTS = 'not all combinations of the accepted algorithms were asked';

export interface AcceptedPhase1 {
  suite: Phase1;
  packets: PacketNumbers;
}

export interface MainModeFacts {
  accepted: AcceptedPhase1[];
  inconclusive: string[];
}

/**
 * Finds the suites of Main Mode. A gateway picks one transform of a question: that one is taken out and the rest asked
 * again, until the gateway refuses it.
 */
export class MainMode {
  readonly #questions: Phase1Questions;
  readonly #answers: Phase1Answer[] = [];
  readonly #accepted = new Map<string, AcceptedPhase1>();
  readonly #inconclusive = new Set<string>();
  #unanswered: readonly (readonly Phase1[])[] = [];
  /** False for gateways that take any method at first and look for a configuration once they know identities. */
  #decidesAuth = true;

  constructor(questions: Phase1Questions) {
    this.#questions = questions;
  }

  /** Whether anybody is there, each question once. @param depth `quick`: one question, repeated */
  async contact(depth: 'quick' | 'full'): Promise<void> {
    const offers = depth === 'quick' ? contactOffers.slice(0, 1) : contactOffers;
    const once = depth === 'full';
    const answers = await Promise.all(offers.map((offer) => this.#ask(offer, { once, extended: true })));
    this.#unanswered = offers.filter((_, i) => answers[i]?.verdict === 'no answer');
  }

  /** Asks again what stayed unanswered, of a gateway that is there and has accepted nothing yet. */
  async insist(): Promise<void> {
    if (this.#accepted.size > 0) return;
    await Promise.all(this.#unanswered.map((offer) => this.#askUpTo(2, offer)));
  }

  /** Asks once more what stayed unanswered. */
  async askAgain(): Promise<void> {
    await Promise.all(this.#unanswered.map((offer) => this.#ask(offer, { once: true, extended: true })));
  }

  /** Everything about a gateway that accepted something. */
  async explore(): Promise<void> {
    const [base] = this.#suites();
    if (base === undefined) return;
    await this.#findMethods(base);
    const methods = this.#decidesAuth ? new Set(this.#suites().map(({ auth }) => auth)) : [base.auth];
    for (const auth of methods) await this.#findSuites(auth);
  }

  /** What came of every question so far. */
  get answers(): readonly Phase1Answer[] {
    return this.#answers;
  }

  facts(): MainModeFacts {
    const decided = ({ suite, packets }: AcceptedPhase1): AcceptedPhase1 => ({
      suite: this.#decidesAuth ? suite : { ...suite, auth: UNDECIDED_AUTH },
      packets,
    });
    return {
      accepted: [...this.#accepted.values()].map(decided),
      inconclusive: [...this.#inconclusive],
    };
  }

  async #findMethods(base: Phase1): Promise<void> {
    await this.#exhaust(otherMethods(base), 'methods');
    if (this.#suites().some(({ auth }) => auth === METHOD_OF_NOBODY)) this.#decidesAuth = false;
    if (this.#decidesAuth) return;
    this.#inconclusive.add(
      'Main Mode authentication methods: the gateway takes any at first and decides after the identities',
    );
    for (const [key, { suite }] of this.#accepted) {
      if (suite.auth !== base.auth) this.#accepted.delete(key);
    }
  }

  async #findSuites(auth: number): Promise<void> {
    const ofMethod = (): Phase1[] => this.#suites().filter((suite) => suite.auth === auth);
    await this.#eliminate(neighbours(ofMethod()[0]!));
    // What is made of other algorithms comes first, because it may show more of them.
    const known = new Set(product(ofMethod(), auth).map(phase1Key));
    await this.#eliminate(everything(auth).filter((candidate) => !known.has(phase1Key(candidate))));
    await this.#eliminate(product(ofMethod(), auth));
  }

  /** Asks for all candidates that are not accepted yet, in as many questions as it takes. */
  async #eliminate(candidates: readonly Phase1[]): Promise<void> {
    const open = candidates.filter((candidate) => !this.#accepted.has(phase1Key(candidate)));
    const chunks = Array.from({ length: Math.ceil(open.length / MOST_TRANSFORMS) }, (_, i) =>
      open.slice(i * MOST_TRANSFORMS, (i + 1) * MOST_TRANSFORMS),
    );
    await Promise.all(chunks.map((chunk) => this.#exhaust(chunk)));
  }

  /** @param about `methods`: silence refuses them all, and when they are not decided on yet, asking more is no use */
  async #exhaust(chunk: readonly Phase1[], about: 'methods' | 'suites' = 'suites'): Promise<void> {
    let rest = chunk;
    while (rest.length > 0 && (about === 'suites' || this.#decidesAuth)) {
      if (this.#questions.left === 0 || this.#accepted.size >= MOST_SUITES) {
        this.#unfinished(rest, this.#areProducts(rest) ? ONLY_PRODUCTS : 'not all combinations were asked');
        return;
      }
      const answer = await (about === 'methods' ? this.#askUpTo(3, rest) : this.#ask(rest));
      if (answer.verdict === 'refused') return;
      if (answer.verdict === 'no answer' && about === 'methods') return;
      if (answer.verdict !== 'accepted') {
        this.#unfinished(rest, `no answer to ${rest.length} combinations`);
        return;
      }
      const suite = matching(rest, answer.chosen);
      if (suite === undefined) {
        this.#unfinished(rest, 'the gateway chose what it was not offered');
        return;
      }
      rest = rest.filter((candidate) => candidate !== suite);
    }
  }

  /** Where silence is likely, waiting for it as long as for an answer would take most of the time. */
  async #askUpTo(times: number, candidates: readonly Phase1[]): Promise<Phase1Answer> {
    const answer = await this.#ask(candidates, { once: true, extended: true });
    if (answer.verdict !== 'no answer' || times === 1) return answer;
    return this.#askUpTo(times - 1, candidates);
  }

  async #ask(candidates: readonly Phase1[], how: AskHow = {}): Promise<Phase1Answer> {
    const answer = await this.#questions.mainMode(candidates, how);
    this.#answers.push(answer);
    if (answer.verdict !== 'accepted') return answer;
    const suite = matching(candidates, answer.chosen);
    if (suite === undefined) return answer;
    if (suite.auth !== answer.chosen?.auth) this.#decidesAuth = false;
    this.#accepted.set(phase1Key(suite), { suite, packets: answer.packets });
    return answer;
  }

  #suites(): Phase1[] {
    return [...this.#accepted.values()].map(({ suite }) => suite);
  }

  /** Whether each algorithm of these is known to be accepted in another suite. */
  #areProducts(rest: readonly Phase1[]): boolean {
    return rest.every((candidate) => {
      const { auth } = candidate;
      const known = this.#suites().filter((suite) => suite.auth === auth);
      return product(known, auth).some((one) => phase1Key(one) === phase1Key(candidate));
    });
  }

  #unfinished(rest: readonly Phase1[], why: string): void {
    const methods = new Set(rest.map(({ auth }) => ` with ${phase1AuthMethodName(auth)}`));
    for (const method of this.#decidesAuth ? methods : ['']) {
      this.#inconclusive.add(`Main Mode${method}: ${why}`);
    }
  }
}
