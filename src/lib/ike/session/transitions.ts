import type { Milliseconds } from '../../core/environment.js';
import { findPayload } from '../wire/message.js';
import { findNotify, NotifyType, notifyName } from '../wire/notify.js';
import { ExchangeType, type Payload, PayloadType, ProtocolId } from '../wire/types.js';
import { answerIkeAuth } from './auth.js';
import { answerNewChild, answerRekeyChild } from './create-child.js';
import { errorNotify } from './failure.js';
import type { IkeSa, IkeSaStage } from './ike-sa.js';
import { answerInformational } from './informational.js';
import { answerRekeyIkeSa } from './rekey-ike.js';
import type { InitMessages } from './sa-init.js';
import type { SessionState } from './state.js';

/** What a processor works with. */
export interface TransitionContext {
  state: SessionState;
  ikeSa: IkeSa;
  /** The IKE_SA_INIT messages; only while the SA is half-open. */
  initMessages: InitMessages | undefined;
  payloads: Payload[];
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
  when(payloads: Payload[]): boolean;
  /** Without these payloads the request is answered INVALID_SYNTAX. */
  required: readonly number[];
  process(context: TransitionContext): { payloads: Payload[]; story?: string };
}

const rekeysIke = (payloads: Payload[]): boolean =>
  findPayload(payloads, PayloadType.SA)?.proposals[0]?.protocolId === ProtocolId.IKE;
const rekeysChild = (payloads: Payload[]): boolean => findNotify(payloads, NotifyType.REKEY_SA) !== undefined;
/** The story of an answered CREATE_CHILD_SA: what was done with or without PFS, or how we refused. */
function tell(done: string, payloads: Payload[]): { payloads: Payload[]; story: string } {
  const refused = errorNotify(payloads);
  if (refused) return { payloads, story: `refused a request with ${notifyName(refused.notifyType)}` };
  if (done === 'rekeyed the IKE SA') return { payloads, story: done };
  const pfs = findPayload(payloads, PayloadType.KE) ? 'with' : 'without';
  return { payloads, story: `${done} ${pfs} PFS` };
}

const { SA, KE, NONCE, TSi, TSr, IDi } = PayloadType;
const alive: readonly IkeSaStage[] = ['established', 'rekeyed', 'deleting'];

/** Every request that an IKE SA can be asked, first match wins. Reading this table is reading the protocol. */
export const transitions: readonly Transition[] = [
  {
    story: 'authenticated both sides and made the first child SA',
    section: '1.2',
    from: ['half-open'],
    exchange: ExchangeType.IKE_AUTH,
    when: () => true,
    required: [IDi, SA, TSi, TSr],
    process: ({ state, ikeSa, initMessages, payloads, now }) => {
      if (!initMessages) throw new Error('a half-open responder keeps its IKE_SA_INIT messages');
      const answer = answerIkeAuth(state, ikeSa, initMessages, payloads, now);
      const refused = errorNotify(answer);
      if (!refused) return { payloads: answer };
      const done = findPayload(answer, PayloadType.AUTH)
        ? 'authenticated both sides, but refused'
        : 'refused';
      return { payloads: answer, story: `${done} a request with ${notifyName(refused.notifyType)}` };
    },
  },
  {
    story: 'rekeyed the IKE SA',
    section: '1.3.2',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: rekeysIke,
    required: [SA, NONCE, KE],
    process: ({ state, ikeSa, payloads, now }) =>
      tell('rekeyed the IKE SA', answerRekeyIkeSa(state, ikeSa, payloads, now)),
  },
  {
    story: 'rekeyed a child SA',
    section: '1.3.3',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: rekeysChild,
    required: [SA, NONCE, TSi, TSr],
    process: ({ state, ikeSa, payloads, now }) =>
      tell('rekeyed a child SA', answerRekeyChild(state, ikeSa, payloads, now)),
  },
  {
    story: 'made a further child SA',
    section: '1.3.1',
    from: alive,
    exchange: ExchangeType.CREATE_CHILD_SA,
    when: () => true,
    required: [SA, NONCE, TSi, TSr],
    process: ({ state, ikeSa, payloads, now }) =>
      tell('made a further child SA', answerNewChild(state, ikeSa, payloads, now)),
  },
  {
    story: 'told or asked something',
    section: '1.4',
    from: alive,
    exchange: ExchangeType.INFORMATIONAL,
    when: () => true,
    required: [],
    process: ({ state, ikeSa, payloads, now }) => {
      const { payloads: answer, purpose } = answerInformational(state, ikeSa, payloads, now);
      return { payloads: answer, story: purpose };
    },
  },
];

/** The row for a request, or undefined when this SA cannot be asked that now. */
export function findTransition(
  stage: IkeSaStage,
  exchange: number,
  payloads: Payload[],
): Transition | undefined {
  return transitions.find(
    (row) => row.exchange === exchange && row.from.includes(stage) && row.when(payloads),
  );
}
