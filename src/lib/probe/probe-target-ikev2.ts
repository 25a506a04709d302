import { keTransform } from '../crypto/registry.js';
import { TransformType } from '../crypto/transform.js';
import { NotifyType } from '../ike/wire/notify.js';
import type { Transform } from '../ike/wire/types.js';
import { capabilitiesOf, offerNotifies, otherNotifies, repeatsOf } from './capabilities.js';
import { Explorer } from './enumerate.js';
import { type Box, choiceKey } from './enumerate-box.js';
import { Knowledge } from './enumerate-knowledge.js';
import { additionalClasses, furtherClasses, plainClasses } from './enumerate-universe.js';
import { type Oracle, questionRoom } from './oracle.js';
import { acceptedOffer, commonOffer, isWeak, strongFirst, suiteOf } from './oracle-offer.js';
import { SuiteLister } from './suites.js';
import type { AlgorithmKind, Answer, Ikev2Facts, Observation, ProbeOptions, Suite } from './types.js';

const { KE } = TransformType;
const kinds: readonly AlgorithmKind[] = ['encr', 'prf', 'integ', 'ke', 'addke'];

/** The first offer is made with the group that costs least, then with one that every gateway knows. */
const FIRST_GROUPS = [31, 14];

/** Room that an offer of everything should have. */
const ROOMY = 600;

/** What a gateway chose, with the offer that it chose from. */
interface Chosen {
  offered: readonly (readonly Transform[])[];
  answer: Extract<Answer, { verdict: 'accepted'; chosen: Transform[] }>;
}

/** Finds out about IKEv2 at one target, in the order in which it is best asked. */
export class Ikev2Inquiry {
  readonly knowledge: Knowledge;
  readonly #explorer: Explorer;
  #preferred: Chosen | undefined;
  #additional = false;
  readonly #limits: string[] = [];
  #suitesLimit: string | undefined;

  constructor(
    private readonly oracle: Oracle,
    onAccepted: ConstructorParameters<typeof Knowledge>[0],
  ) {
    this.knowledge = new Knowledge(onAccepted);
    this.#explorer = new Explorer(this.knowledge, (question) => oracle.ask(question), {
      get outsiders() {
        return oracle.outsiders;
      },
      room: questionRoom,
    });
  }

  /** Why the algorithms are not known as well as they could be. */
  get limits(): readonly string[] {
    return this.#limits;
  }

  /** A combination that is accepted and that we can use ourselves: exactly one transform of each type. */
  get usable(): readonly Transform[] | undefined {
    const chosen = this.oracle.answers.map(({ transforms }) => transforms);
    return chosen.find((transforms) => transforms.every(({ type }) => type <= KE));
  }

  /** The first offer: everything in common use, with all that we could have in common. */
  async contact(): Promise<Answer> {
    let announce = offerNotifies;
    let answer: Answer = { verdict: 'no answer', packets: [] };
    for (const group of FIRST_GROUPS) {
      answer = await this.#offer(commonOffer(questionRoom(group)), group, announce);
      if (answer.verdict === 'no answer' && this.oracle.redirect !== undefined) {
        announce = announce.filter((type) => type !== NotifyType.REDIRECT_SUPPORTED);
        answer = await this.#offer(commonOffer(questionRoom(group)), group, announce);
      }
      // Silence is about the address, not about the group; what is answered in some way is worth another group.
      if (answer.verdict === 'accepted' || (answer.verdict !== 'rejected' && answer.note === undefined))
        break;
    }
    return answer;
  }

  /** Names all algorithms, what is preferred, and as the options want which combinations there are. */
  async investigate(suites: ProbeOptions['suites'], onSuites: () => void): Promise<void> {
    if (!(await this.#nameAll())) return;
    await this.#prefer();
    await this.#repeat();
    if (suites !== 'none') {
      onSuites();
      const lister = new SuiteLister(this.#explorer, suites);
      await lister.list(this.#classes());
      this.#suitesLimit = lister.limit;
    }
    await this.oracle.verify();
  }

  facts(suites: ProbeOptions['suites'], halfOpenLeft: number): Ikev2Facts {
    const { knowledge, oracle } = this;
    const complete = knowledge.isSettled(plainClasses) && knowledge.isSettled(additionalClasses);
    const capabilities = capabilitiesOf(oracle.answers, oracle.cookies, oracle.redirect);
    return {
      accepted: record((kind) => knowledge.accepted(kind)),
      // What no plain proposal may have could still go with an additional key exchange.
      inconclusive: record((kind) => knowledge.inconclusive(kind, [...plainClasses, ...additionalClasses])),
      evidence: knowledge.evidence(),
      suites: knowledge.confirmed.map(({ combination }) => suiteOf(combination)),
      suitesComplete: complete,
      suitesMethod: complete ? 'exact' : suites,
      ...(!complete && this.#suitesLimit !== undefined && { suitesLimit: this.#suitesLimit }),
      preferred: this.#preferred && suiteOf(this.#preferred.answer.chosen),
      mixedChoice: this.#mixedChoice(),
      steering: oracle.steering,
      capabilities: { ...capabilities, multipleKe: this.#multipleKe() },
      otherNotifies: otherNotifies(oracle.answers),
      repeats: repeatsOf(oracle.answers),
      halfOpenLeft,
    };
  }

  async #offer(
    proposals: readonly (readonly Transform[])[],
    ke: number,
    announce: readonly number[],
  ): Promise<Answer> {
    const summary = `an offer of ${proposals.flat().length} transforms`;
    const answer = await this.oracle.offer({ proposals, ke, summary }, announce);
    this.#explorer.learn([...plainClasses, ...additionalClasses], answer);
    if (answer.verdict === 'accepted' && 'chosen' in answer) this.#preferred = { offered: proposals, answer };
    return answer;
  }

  /** @returns whether refusals can be believed */
  async #nameAll(): Promise<boolean> {
    const known = (): readonly Transform[] | undefined => this.knowledge.confirmed[0]?.combination;
    const before = this.oracle.outsiders;
    const first = known();
    if (first !== undefined && !(await this.#calibrate(first))) return false;
    // Groups were named and nothing was chosen: better known before hundreds of questions rest on it.
    if (first === undefined && this.oracle.steering.length > 0 && (await this.oracle.isBlind())) {
      this.#forgetUnproved();
      this.#limits.push(
        'The gateway, or somebody on the path, answers INVALID_KE_PAYLOAD to proposals that nobody can take: its algorithms cannot be told apart.',
      );
      return false;
    }
    await this.#name();
    const found = known();
    if (found === undefined) return this.#refusedAll();
    if (first !== undefined) return true;
    if (!(await this.#calibrate(found))) return false;
    if (this.oracle.outsiders.join() !== before.join()) {
      this.knowledge.distrustSince(0);
      await this.#name();
    }
    return true;
  }

  async #calibrate(known: readonly Transform[]): Promise<boolean> {
    const quality = await this.oracle.calibrate(known);
    if (quality === 'sound') return true;
    if (quality === 'blind') this.#forgetUnproved();
    this.#limits.push(
      'The gateway does not look at the proposals before it answers INVALID_KE_PAYLOAD, or not at all: its algorithms cannot be told apart.',
    );
    this.knowledge.distrustSince(0);
    return false;
  }

  /** Leaves what whole answers chose: the name of a group in a refusal turned out to prove nothing. */
  #forgetUnproved(): void {
    this.knowledge.clear();
    for (const { transforms, packets } of this.oracle.answers) {
      const answer: Answer = { verdict: 'accepted', chosen: [...transforms], packets };
      this.#explorer.learn([...plainClasses, ...additionalClasses], answer);
    }
  }

  /** Nothing at all was accepted: perhaps because of the groups of the KE payloads. */
  async #refusedAll(): Promise<boolean> {
    if (!this.oracle.tryOtherOutsiders()) return false;
    this.knowledge.distrustSince(0);
    await this.#name();
    return true;
  }

  async #name(): Promise<void> {
    const { knowledge } = this;
    const isKnown = (box: Box): boolean => knowledge.confirmedIn([box]) !== undefined;
    const order = [...plainClasses].sort((a, b) => Number(isKnown(b)) - Number(isKnown(a)));
    // Most gateways refuse the second kind as a whole, which may be asked meanwhile.
    await Promise.all([
      this.#explorer.name(order),
      ...additionalClasses.map((box) => this.#explorer.accepts([box])),
    ]);
    await this.#explorer.name(additionalClasses);
    this.#additional = true;
    const isLikely =
      knowledge.confirmations === 0 ||
      knowledge.accepted('addke').length > 0 ||
      capabilitiesOf(this.oracle.answers, this.oracle.cookies, undefined).intermediate.value === true;
    if (isLikely) await this.#explorer.name(furtherClasses);
  }

  /** What the gateway chooses from everything that it accepts, unless the first offer had all of that. */
  async #prefer(): Promise<void> {
    const chosen = this.#preferred;
    if (chosen !== undefined && this.#hasAll(chosen.offered)) return;
    // The group that it chose before is probably the one that it wants, which saves an answer.
    const before = chosen?.answer.chosen.filter(({ type }) => type === KE) ?? [];
    const groups = [...before, ...strongFirst(this.knowledge.groups)];
    const usable = groups.filter(({ id }) => keTransform(id)?.generate !== undefined);
    const small = usable.find(({ id }) => questionRoom(id) > ROOMY);
    const group = (small ?? usable[0])?.id;
    if (group === undefined) return;
    const offer = acceptedOffer(this.knowledge, this.#classes(), questionRoom(group));
    if (offer.length > 0) await this.#offer(offer, group, offerNotifies);
  }

  #hasAll(proposals: readonly (readonly Transform[])[]): boolean {
    const offered = new Set(proposals.flat().map((transform) => `${transform.type} ${choiceKey(transform)}`));
    return (
      plainClasses
        .flat()
        .every(({ type, choices }) =>
          choices.every(
            (choice) => !this.knowledge.isAccepted(choice) || offered.has(`${type} ${choiceKey(choice)}`),
          ),
        ) && this.knowledge.accepted('addke').length === 0
    );
  }

  /** A second whole answer of the same group, to see whether nonces and public values are fresh. */
  async #repeat(): Promise<void> {
    const { answers } = this.oracle;
    const pair = answers.some((a, i) => answers.slice(i + 1).some((b) => a.ke.group === b.ke.group));
    const usable = this.usable;
    const group = usable?.find(({ type }) => type === KE)?.id;
    if (pair || usable === undefined || group === undefined) return;
    await this.oracle.ask({
      proposals: [usable],
      ke: group,
      summary: 'once more, for a fresh nonce and public value',
    });
  }

  /** Classes in which something is accepted. */
  #classes(): Box[] {
    return [...plainClasses, ...additionalClasses, ...furtherClasses].filter(
      (box) => this.knowledge.confirmedIn([box]) !== undefined,
    );
  }

  #mixedChoice(): Observation<Suite> {
    const chosen = this.#preferred;
    if (chosen === undefined)
      return { value: undefined, note: 'the gateway chose nothing from an offer', packets: [] };
    const accepted = chosen.offered.flat().filter((transform) => this.knowledge.isAccepted(transform));
    const mixed = accepted.some((a) => isWeak(a) && accepted.some((b) => a.type === b.type && !isWeak(b)));
    const { packets } = chosen.answer;
    if (!mixed)
      return { value: undefined, note: 'it is not known to accept both weak and strong algorithms', packets };
    return { value: suiteOf(chosen.answer.chosen), packets };
  }

  #multipleKe(): Observation {
    const found = this.knowledge.evidence().find(({ kind }) => kind === 'addke');
    if (found !== undefined) return { value: true, packets: found.packets };
    if (!this.#additional) return { value: undefined, note: 'not asked', packets: [] };
    if (this.knowledge.isSettled(additionalClasses)) return { value: false, packets: [] };
    return { value: undefined, note: 'not answered', packets: [] };
  }
}

function record<T>(of: (kind: AlgorithmKind) => T): Record<AlgorithmKind, T> {
  return Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<AlgorithmKind, T>;
}
