import { keTransform } from '../../crypto/registry.js';
import { TransformType } from '../../crypto/transform.js';
import { ExchangeType, type Transform } from '../../ike/wire/types.js';
import type { Asker } from '../asker.js';
import { type Exchanged, InitExchanger } from '../oracle-exchange.js';
import { deriveSa, type HalfOpenSa, isAbout, isOpen, sealRequest } from '../oracle-sa.js';
import type { Observation, PacketNumbers } from '../types.js';

/** Half-open SAs that are opened at most: strongSwan and our own server ask for cookies from 30 on. */
const MOST_SAS = 32;

/** Opens half-open SAs, one beside the other, until the gateway asks for a cookie (RFC 8019 4), and clears them all. */
export async function loadForCookies(asker: Asker, transforms: readonly Transform[]): Promise<Observation> {
  const group = transforms.find(({ type }) => type === TransformType.KE)?.id ?? 0;
  const exchanger = new InitExchanger(asker);
  const sas: HalfOpenSa[] = [];
  const packets: PacketNumbers = [];
  let lost: string | undefined;
  while (sas.length < MOST_SAS && exchanger.cookies.asked === 0 && lost === undefined) {
    const exchange = keTransform(group)?.generate?.();
    if (exchange === undefined) break;
    if (!(sas.length === 0 ? await asker.halfOpen.open() : asker.halfOpen.beside())) {
      lost = 'as many half-open SAs as may be are left';
      break;
    }
    const question = { proposals: [transforms], summary: `half-open SA ${sas.length + 1}` };
    const { publicValue } = exchange;
    const exchanged = await exchanger.exchange(question, { group, publicValue, announce: [] });
    packets.push(...exchanged.packets);
    const sa = deriveSa(exchanged, (value) => exchange.agree(value));
    if (sa !== undefined) sas.push(sa);
    else {
      lost = reasonOf(exchanged);
      if (isOpen(exchanged)) asker.halfOpen.stays();
      else asker.halfOpen.cleared();
    }
  }
  const summary = 'IKE_AUTH with nothing in it, to clear the half-open SA';
  for (const sa of sas) {
    const request = sealRequest(sa, { exchangeType: ExchangeType.IKE_AUTH, messageId: 1 }, [], asker.entropy);
    const isSent = asker.tell(request, summary, (reply) => isAbout(reply, sa)) !== undefined;
    if (isSent) asker.halfOpen.cleared();
    else asker.halfOpen.stays();
  }
  if (exchanger.cookies.asked > 0) {
    const before = exchanger.cookies.answered - 1;
    return {
      value: true,
      note: `a cookie was asked for after ${before} half-open SAs`,
      packets: packets.slice(-4),
    };
  }
  if (lost !== undefined) {
    const note = `after ${sas.length} half-open SAs, without having asked for a cookie: ${lost}`;
    return { value: undefined, note, packets: packets.slice(-4) };
  }
  const note = `${sas.length} half-open SAs of one address; others begin at larger numbers`;
  return { value: false, note, packets };
}

function reasonOf({ reply }: Exchanged): string {
  if (reply.kind === 'chosen') return 'an SA that cannot be cleared';
  return ('note' in reply ? reply.note : undefined) ?? reply.kind;
}
