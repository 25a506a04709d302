import { KitError } from '../core/errors.js';
import { keTransform } from '../crypto/registry.js';
import { type KeyExchange, TransformType } from '../crypto/transform.js';
import type { KePayload, Payload, Transform } from '../ike/wire/types.js';
import type { Asker, Control } from './asker.js';
import { InitExchanger } from './oracle-exchange.js';
import { type InitReply, proposalsBytes, roomBeside } from './oracle-message.js';
import { SaKeeper, type SaOpener } from './oracle-sa.js';
import type { Answer, Ikev2Facts, PacketNumbers, Question } from './types.js';

const { ENCR, PRF, INTEG, KE } = TransformType;

/** Refusals in a row after which a question with a known good answer is asked. */
const REFUSED_STREAK = 24;
/** Groups for the KE payload of questions about other groups: every gateway knows some of them. */
const outsiderGroups = [22, 31, 14, 19, 2, 5, 20, 15];
/** Groups that somebody on the path might put into a forged INVALID_KE_PAYLOAD, or a careless gateway into its own. */
const temptingGroups = [...outsiderGroups, 1, 23, 24];
/** No pseudorandom function has this id (IANA), so that a proposal with nothing else is refused. */
const NO_PRF = 200;
/** Packets that are kept as evidence for one kind of strange answer. */
const MAX_EVIDENCE = 20;

/** What a gateway is asked about to see whether it answers, as long as nothing is known. */
const commonSuite: readonly Transform[] = [
  { type: ENCR, id: 12, keyLength: 256 },
  { type: PRF, id: 5 },
  { type: INTEG, id: 12 },
  { type: KE, id: 19 },
];

/** What is strange about an answer that says neither yes nor no. */
function problemOf(reply: Extract<InitReply, { kind: 'unclear' | 'cookie' | 'redirect' | 'ikev1' }>): string {
  switch (reply.kind) {
    case 'unclear':
      return reply.problem;
    case 'cookie':
      return 'asked for one cookie after the other';
    case 'redirect':
      return `sent us ${reply.gateway === undefined ? 'elsewhere' : `to ${reply.gateway}`}`;
    case 'ikev1':
      return 'answered in IKEv1';
  }
}

/** One whole answer to IKE_SA_INIT. */
export interface InitAnswer {
  /** Notify types that the question announced beyond the usual ones. */
  announced: readonly number[];
  transforms: readonly Transform[];
  ke: KePayload;
  nonce: Uint8Array;
  payloads: readonly Payload[];
  /** The datagram as it came. */
  response: Uint8Array;
  packets: PacketNumbers;
}

/** Where a gateway sent us; `gateway` undefined: that cannot be read. */
export interface Redirect {
  gateway: string | undefined;
  packets: PacketNumbers;
}

export interface OracleHooks {
  /** Takes a question with a known good answer, which tells silence from refusal. */
  watch(control: () => Control): void;
  /** The gateway took something: what it refused so far is to be believed. */
  onTaken?(): void;
  /** The gateway refuses what it took before: what it refused since it last took something proves nothing. */
  onDoubt?(): void;
}

/** Turns questions into IKE_SA_INIT and replies into answers, and leaves nothing half-open behind. */
export class Oracle {
  /** All whole answers, in order. */
  readonly answers: InitAnswer[] = [];
  readonly steering: Ikev2Facts['steering'] = [];
  /** What was neither yes nor no, in words, with packets. */
  readonly unclear = new Map<string, PacketNumbers>();
  /** A response that refused, as it came. */
  refusal: Uint8Array | undefined;
  #redirect: Redirect | undefined;
  #outsiders: readonly [number, number] = [22, 31];
  readonly #exchanger: InitExchanger;
  readonly #keeper: SaKeeper;
  #good: readonly Transform[] | undefined;
  #speaksIkev2 = false;
  #refusedInRow = 0;
  #doubtful = false;

  constructor(
    private readonly asker: Asker,
    private readonly hooks: OracleHooks,
  ) {
    this.#exchanger = new InitExchanger(asker);
    this.#keeper = new SaKeeper(asker, this.#exchanger);
    hooks.watch(() => this.control(this.#good));
  }

  /** A question that every gateway answers somehow, or that this one answered before. */
  control(known: readonly Transform[] = commonSuite): Control {
    return this.#exchanger.control(known, this.#outsiderFor([known]));
  }

  /** Groups for KE payloads, see `Packing`. */
  get outsiders(): readonly [number, number] {
    return this.#outsiders;
  }

  /** Some question was answered in IKEv2. */
  get speaksIkev2(): boolean {
    return this.#speaksIkev2;
  }

  get opener(): SaOpener {
    return this.#keeper;
  }

  get cookies(): InitExchanger['cookies'] {
    return this.#exchanger.cookies;
  }

  /** The first REDIRECT (RFC 5685), when one came. */
  get redirect(): Redirect | undefined {
    return this.#redirect;
  }

  /** Asks whether the gateway takes anything out of these proposals. */
  async ask(question: Question): Promise<Answer> {
    if (question.ke !== 'outside') return this.#askWhole(question, question.ke, []);
    const answer = await this.#askOutside(question, this.#outsiderFor(question.proposals));
    return this.#trusted(answer);
  }

  /**
   * A whole offer as clients make it, with the KE payload of its group, then with that of the group which the gateway
   * wants; that is noted.
   * @param announce notify types without data
   */
  async offer(question: Question & { ke: number }, announce: readonly number[]): Promise<Answer> {
    const answer = await this.#askWhole(question, question.ke, announce);
    if (answer.verdict !== 'accepted' || !('wanted' in answer)) return answer;
    this.#noteSteering(question, answer);
    if (keTransform(answer.wanted)?.generate === undefined) return answer;
    const second = { ...fitted(question, answer.wanted), ke: answer.wanted };
    const again = await this.#askWhole(second, second.ke, announce);
    if (again.verdict === 'accepted' && 'wanted' in again) this.#noteSteering(second, again);
    return again.verdict === 'accepted' ? again : answer;
  }

  #noteSteering(
    { proposals, ke }: Question & { ke: number },
    { wanted, packets }: { wanted: number; packets: PacketNumbers },
  ): void {
    this.steering.push({ offered: [...groupsIn(proposals)], sent: ke, wanted, packets });
  }

  /**
   * Finds two groups for KE payloads with which the gateway still takes what it is known to take, and refuses what cannot
   * be taken: others would make it say no where it means yes.
   * @returns `sound`; `deaf` when there are no two, so that its refusals prove nothing; `blind` when it names a group
   *   also where nothing can be taken, so that this proves nothing either
   */
  async calibrate(known: readonly Transform[]): Promise<'sound' | 'deaf' | 'blind'> {
    this.#good = known;
    const inside = groupsIn([known]);
    const left = outsiderGroups.filter((group) => !inside.has(group));
    const fit: number[] = [];
    while (fit.length < 2) {
      const next = left.splice(0, 2 - fit.length);
      if (next.length === 0) return (await this.isBlind(known)) ? 'blind' : 'deaf';
      const question = { proposals: [known], summary: 'known to be accepted' };
      const answers = await Promise.all(next.map((group) => this.#askOutside(question, group)));
      fit.push(...next.filter((_, i) => answers[i]?.verdict === 'accepted'));
    }
    const [first, second] = fit as [number, number];
    this.#outsiders = [first, second];
    return (await this.isBlind(known)) ? 'blind' : 'sound';
  }

  /**
   * Offers what nobody can take, with every group that may be named for it. Who names one does not look at proposals, or
   * is somebody on the path.
   */
  async isBlind(known: readonly Transform[] = commonSuite): Promise<boolean> {
    const [outsider] = this.#outsiders;
    const groups = new Set([...groupsIn([known]), ...temptingGroups].filter((group) => group !== outsider));
    const others = known.filter(({ type }) => type !== KE && type !== PRF);
    const impossible = [...others, { type: PRF, id: NO_PRF }, ...[...groups].map((id) => ({ type: KE, id }))];
    const answer = await this.#askOutside({ proposals: [impossible], summary: 'without any PRF' }, outsider);
    return answer.verdict === 'accepted';
  }

  /** Without anything known: other groups for KE payloads than those used so far. @returns whether there were any left */
  tryOtherOutsiders(): boolean {
    const [first, second] = outsiderGroups.filter((group) => !this.#outsiders.includes(group));
    if (first === undefined || second === undefined || this.#good !== undefined) return false;
    this.#outsiders = [first, second];
    return true;
  }

  /** Asks something with a known good answer, when the last answers were refusals. */
  async verify(): Promise<void> {
    if (this.#refusedInRow === 0 || this.#good === undefined) return;
    const question = { proposals: [this.#good], summary: 'control: accepted before' };
    const answer = await this.#askOutside(question, this.#outsiderFor(question.proposals));
    if (answer.verdict !== 'rejected' || this.#doubtful) return;
    this.#doubtful = true;
    this.hooks.onDoubt?.();
  }

  #askOutside(question: Omit<Question, 'ke'>, group: number): Promise<Answer> {
    return this.#answer(question, group, this.#exchanger.publicValue(group), []);
  }

  /** A question that may lead to a whole SA, which is cleared again. */
  async #askWhole(question: Question, group: number, announce: readonly number[]): Promise<Answer> {
    const exchange = keTransform(group)?.generate?.();
    if (exchange === undefined)
      throw new KitError('bug', 'E_QUESTION', `no implementation of group ${group}`);
    if (!(await this.asker.halfOpen.open())) {
      return { verdict: 'no answer', note: 'as many half-open SAs as may be are left', packets: [] };
    }
    return this.#answer(question, group, exchange.publicValue, announce, exchange);
  }

  async #answer(
    question: Omit<Question, 'ke'>,
    group: number,
    publicValue: Uint8Array,
    announce: readonly number[],
    exchange?: KeyExchange,
  ): Promise<Answer> {
    const exchanged = await this.#exchanger.exchange(question, { group, publicValue, announce });
    this.#keeper.clearUp(exchanged, exchange);
    const { reply, packets, response } = exchanged;
    if (response !== undefined && reply.kind !== 'ikev1') this.#speaksIkev2 = true;
    switch (reply.kind) {
      case 'chosen': {
        const { transforms, ke, nonce, payloads } = reply;
        if (response !== undefined) {
          this.answers.push({ announced: announce, transforms, ke, nonce, payloads, response, packets });
        }
        this.#taken(transforms);
        return { verdict: 'accepted', chosen: transforms, packets };
      }
      case 'wanted': {
        const [only] = question.proposals;
        const isOne = only !== undefined && question.proposals.length === 1 && isCombination(only);
        this.#taken(isOne ? only : undefined);
        return { verdict: 'accepted', wanted: reply.group, packets };
      }
      case 'refused':
        this.refusal ??= response;
        return { verdict: 'rejected', notify: reply.notify, packets };
      case 'no answer':
      case 'blocked':
        return { verdict: reply.kind, ...(reply.note !== undefined && { note: reply.note }), packets };
      default: {
        if (reply.kind === 'redirect') this.#redirect ??= { gateway: reply.gateway, packets };
        const problem = problemOf(reply);
        const known = this.unclear.get(problem) ?? [];
        this.unclear.set(problem, [...known, ...packets].slice(0, MAX_EVIDENCE));
        return { verdict: 'no answer', note: problem, packets };
      }
    }
  }

  #taken(known: readonly Transform[] | undefined): void {
    if (known !== undefined) this.#good ??= known;
    this.#refusedInRow = 0;
    this.#doubtful = false;
    this.hooks.onTaken?.();
  }

  /** Now and then something known good is asked, so that a gateway which refuses everything meanwhile is found out. */
  async #trusted(answer: Answer): Promise<Answer> {
    if (answer.verdict !== 'rejected') return answer;
    this.#refusedInRow += 1;
    if (this.#refusedInRow % REFUSED_STREAK === 0) await this.verify();
    if (!this.#doubtful) return answer;
    return { verdict: 'no answer', note: 'the gateway refuses what it took before', packets: answer.packets };
  }

  #outsiderFor(proposals: Question['proposals']): number {
    const offered = groupsIn(proposals);
    const group = [...this.#outsiders, ...outsiderGroups].find((candidate) => !offered.has(candidate));
    if (group !== undefined) return group;
    throw new KitError('bug', 'E_QUESTION', 'a question about every group leaves none for its KE payload');
  }
}

function groupsIn(proposals: Question['proposals']): Set<number> {
  return new Set(proposals.flat().flatMap(({ type, id }) => (type === KE ? [id] : [])));
}

function isCombination(transforms: readonly Transform[]): boolean {
  return new Set(transforms.map(({ type }) => type)).size === transforms.length;
}

/** The question with this group in the KE payload; when that is too large for all groups, only this one is offered. */
function fitted(question: Question, group: number): Question {
  if (proposalsBytes(question.proposals) <= questionRoom(group)) return question;
  const keep = ({ type, id }: Transform): boolean => type !== KE || id === group;
  return { ...question, proposals: question.proposals.map((transforms) => transforms.filter(keep)) };
}

/** Bytes that proposals may take beside the public value of this group. */
export function questionRoom(group: number): number {
  return roomBeside(keTransform(group)?.publicBytes ?? 0);
}
