import type { Milliseconds } from '../../core/environment.js';
import { KitError } from '../../core/errors.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notifyName } from '../wire/notify.js';
import { ExchangeType, type Payload, PayloadType, ProtocolId } from '../wire/types.js';
import { IkeAuthResponder } from './auth.js';
import { answerNewChild, answerRekeyChild } from './create-child.js';
import { errorNotify } from './failure.js';
import type { IkeSa, IkeSaStage } from './ike-sa.js';
import { answerInformational } from './informational.js';
import { answerRekeyIkeSa } from './rekey-ike.js';
import type { SessionState } from './state.js';
import type { InitMessages, Say } from './types.js';

/** What a processor works with. */
export interface TransitionContext {
  state: SessionState;
  ikeSa: IkeSa;
  /** The IKE_SA_INIT messages; only while the SA is half-open. */
  initMessages: InitMessages | undefined;
  payloads: Payload[];
  /** Takes the answer, now or later. */
  reply: Say;
  now: Milliseconds;
}

/** One row: a request of the peer that an IKE SA with keys understands. */
export interface Transition {
  /** What happens, in plain words; goes into timelines. */
  story: string;
  /** RFC 7296 section. */
  section: string;
  from: readonly IkeSaStage[];
  exchange: number;
  /** Tells apart requests of the same exchange type. */
  when(payloads: Payload[], state: SessionState): boolean;
  /** Without these payloads the request is answered INVALID_SYNTAX. */
  required: readonly number[];
  process(context: TransitionContext): void;
}

const rekeysIke = (payloads: Payload[]): boolean =>
  findPayload(payloads, PayloadType.SA)?.proposals[0]?.protocolId === ProtocolId.IKE;
const rekeysChild = (payloads: Payload[]): boolean => findNotify(payloads, NotifyType.REKEY_SA) !== undefined;
/** Answers a CREATE_CHILD_SA: its story is what was done with or without PFS, or how we refused. */
function tell(reply: Say, done: string, payloads: Payload[]): void {
  const refused = errorNotify(payloads);
  const pfs = findPayload(payloads, PayloadType.KE) ? 'with' : 'without';
  if (refused) reply(payloads, `refused a request with ${notifyName(refused.notifyType)}`);
  else if (done === 'rekeyed the IKE SA') reply(payloads, done);
  else reply(payloads, `${done} ${pfs} PFS`);
}

const { SA, KE, NONCE, TSi, TSr, IDi } = PayloadType;
const alive: readonly IkeSaStage[] = ['established', 'rekeyed', 'deleting'];

/** Every request that an IKE SA can be asked, first match wins. Reading this table is reading the protocol. */
export const transitions: readonly Transition[] = [
  {
    story: 'began to authenticate',
    section: '1.2',
    from: ['half-open'],
    exchange: ExchangeType.IKE_AUTH,
    when: (_, state) => !state.authentication,
    required: [IDi, SA, TSi, TSr],
    process: ({ state, ikeSa, initMessages, payloads, reply, now }) => {
      if (!initMessages) throw new Error('a half-open responder keeps its IKE_SA_INIT messages');
      state.authentication = new IkeAuthResponder(state, ikeSa, initMessages, payloads, now);
      state.authentication.answer(undefined, reply, now);
    },
  },
  {
    story: 'went on to authenticate: EAP, or another round',
    section: '2.16',
    from: ['half-open'],
    exchange: ExchangeType.IKE_AUTH,
    when: () => true,
    required: [],
    process: ({ state, payloads, reply, now }) => state.authentication?.answer(payloads, reply, now),
  },
  {
    story: 'gave up before both sides were authenticated',
    section: '2.21.2',
    from: ['half-open'],
    exchange: ExchangeType.INFORMATIONAL,
    when: (payloads) =>
      findNotify(payloads, NotifyType.AUTHENTICATION_FAILED) !== undefined ||
      findPayload(payloads, PayloadType.DELETE)?.protocolId === ProtocolId.IKE,
    required: [],
    process: ({ state, ikeSa, reply, now }) => {
      const error = new KitError(
        'refused',
        'E_PEER_GAVE_UP',
        'The client ended the attempt before it was authenticated',
        {
          hint: 'It does not trust what this side showed of itself: its log says why.',
        },
      );
      state.end(ikeSa, 'failed', now, state.doomed ?? error);
      reply([], 'gave up before both sides were authenticated');
    },
  },
  {
    story: 'rekeyed the IKE SA',
    section: '1.3.2',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: rekeysIke,
    required: [SA, NONCE, KE],
    process: ({ state, ikeSa, payloads, reply, now }) =>
      tell(reply, 'rekeyed the IKE SA', answerRekeyIkeSa(state, ikeSa, payloads, now)),
  },
  {
    story: 'rekeyed a child SA',
    section: '1.3.3',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: rekeysChild,
    required: [SA, NONCE, TSi, TSr],
    process: ({ state, ikeSa, payloads, reply, now }) =>
      tell(reply, 'rekeyed a child SA', answerRekeyChild(state, ikeSa, payloads, now)),
  },
  {
    story: 'made a further child SA',
    section: '1.3.1',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: () => true,
    required: [SA, NONCE, TSi, TSr],
    process: ({ state, ikeSa, payloads, reply, now }) =>
      tell(reply, 'made a further child SA', answerNewChild(state, ikeSa, payloads, now)),
  },
  {
    story: 'told or asked something',
    section: '1.4',
    from: alive,
    exchange: ExchangeType.INFORMATIONAL,
    when: () => true,
    required: [],
    process: ({ state, ikeSa, payloads, reply, now }) => {
      const { payloads: answer, purpose } = answerInformational(state, ikeSa, payloads, now);
      reply(answer, purpose);
    },
  },
];

/** The row for a request, or undefined when this SA cannot be asked that now. */
export function findTransition(
  stage: IkeSaStage,
  exchange: number,
  payloads: Payload[],
  state: SessionState,
): Transition | undefined {
  return transitions.find(
    (row) => row.exchange === exchange && row.from.includes(stage) && row.when(payloads, state),
  );
}
