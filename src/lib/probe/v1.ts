import { type Identity, identityFromAddress } from '../ike/identity.js';
import type { Asker } from './asker.js';
import type { Ikev1Facts, Ikev1Suite, Observation, PacketNumbers } from './types.js';
import { AggressiveMode } from './v1/aggressive.js';
import { type AcceptedPhase1, MainMode } from './v1/main-mode.js';
import { suiteOf } from './v1/phase1.js';
import { isAboutIdentity, type Phase1Answer, Phase1Questions } from './v1/questions.js';

export interface Ikev1Options {
  /** What Aggressive Mode says who we are; undefined: our address. */
  identity: Identity | undefined;
  /** `quick`: one packet, whether IKEv1 answers and what it prefers. */
  depth: 'quick' | 'full';
  /** The target answers IKEv2, so that silence here means something. */
  answersIkev2: boolean;
}

/** What IKEv1 probing found, and what it saw on the way. */
export interface Ikev1Findings {
  facts: Ikev1Facts;
  /** Vendor ids of all answers, each once, in the order they came. */
  vendorIds: Uint8Array[];
}

/** First messages that one target is asked at most. */
const MOST_QUESTIONS = 120;

/** Finds out what phase 1 of IKEv1 a gateway accepts. Never rejects for what the target does. */
export async function probeIkev1(asker: Asker, options: Ikev1Options): Promise<Ikev1Findings> {
  const questions = new Phase1Questions(asker, MOST_QUESTIONS);
  const main = new MainMode(questions);
  const identity = options.identity ?? identityFromAddress(asker.path.local.address);
  const aggressive = new AggressiveMode(questions, identity);
  const answers = (): Phase1Answer[] => [...main.answers, ...aggressive.answers];
  const is = (verdict: Phase1Answer['verdict']): boolean =>
    answers().some((answer) => answer.verdict === verdict);
  const full = options.depth === 'full';
  await Promise.all([main.contact(options.depth), ...(full ? [aggressive.contact()] : [])]);
  const isSilent = (): boolean => answers().every((answer) => isSilence(answer));
  let isIgnored = full && options.answersIkev2 && isSilent();
  if (isIgnored) {
    // So often that losses do not explain it, and then something else, to see that it still answers us.
    const again = async (): Promise<void> =>
      void (await Promise.all([main.askAgain(), aggressive.contact()]));
    await again();
    if (asker.losesPackets) await again();
    let silence = await asker.explainSilence();
    if (silence === 'recovered') {
      await again();
      silence = await asker.explainSilence();
    }
    isIgnored = silence === 'alive' && isSilent();
  }
  if (full && (is('accepted') || is('refused')) && !is('closed') && !is('blocked')) {
    const isMute = main.answers.every(({ verdict }) => verdict === 'no answer');
    const met = isMute ? 'silent' : main.facts().accepted.map(({ suite }) => suite);
    await Promise.all([main.insist().then(() => main.explore()), aggressive.explore(met)]);
  }
  const mainFacts = main.facts();
  const aggressiveFacts = await aggressive.facts();
  return {
    facts: {
      enabled: enabledFrom(answers(), isIgnored),
      mainMode: mainFacts.accepted.map(withNames),
      aggressiveMode: aggressiveFacts.accepted.map(withNames),
      aggressiveHash: aggressiveFacts.hash,
      ...(aggressiveFacts.identity !== undefined && { aggressiveIdentity: aggressiveFacts.identity }),
      inconclusive: [...mainFacts.inconclusive, ...aggressiveFacts.inconclusive],
      halfOpenLeft: questions.halfOpen,
    },
    vendorIds: [...questions.vendorIds.values()],
  };
}

function withNames({ suite, packets }: AcceptedPhase1): Ikev1Suite {
  return { ...suiteOf(suite), packets };
}

/** It was asked, to the end, and nothing came. */
function isSilence({ verdict, ...answer }: Phase1Answer): boolean {
  return verdict === 'no answer' && !('note' in answer);
}

/** @param isIgnored every offer stayed unanswered however often it was made, by a gateway that answers IKEv2 meanwhile */
function enabledFrom(answers: readonly Phase1Answer[], isIgnored: boolean): Observation {
  const of = (verdict: Phase1Answer['verdict']): PacketNumbers =>
    answers.flatMap((answer) => (answer.verdict === verdict ? answer.packets : []));
  const packets = answers.flatMap((answer) => answer.packets);
  const accepted = of('accepted');
  if (accepted.length > 0) return { value: true, packets: accepted.slice(0, 2) };
  const notUs = answers.find(isAboutIdentity);
  if (notUs) return { value: true, note: 'what we say who we are is refused', packets: notUs.packets };
  const lost = (['blocked', 'closed'] as const).find((verdict) => of(verdict).length > 0);
  if (lost !== undefined) return { value: undefined, note: `the target went ${lost}`, packets: of(lost) };
  const why = answers.map((answer) => ('note' in answer ? answer.note : undefined)).find(Boolean);
  if (why !== undefined) {
    const what = packets.length === 0 ? 'IKEv1 was not asked' : 'not every offer of IKEv1 was made';
    return { value: undefined, note: `${what}: ${why}`, packets };
  }
  if (of('refused').length > 0) {
    const all = answers.every(({ verdict }) => verdict === 'refused');
    const what = all ? 'it refused every offer' : 'it refused some offers and ignored the others';
    const note = `${what}: IKEv1 is off, or configured with something unusual`;
    return { value: false, note, packets: of('refused') };
  }
  if (of('other version').length > 0) {
    return { value: false, note: 'answers that it speaks another version', packets: of('other version') };
  }
  const offers = answers.length === 1 ? 'one offer' : `${answers.length} offers`;
  if (!isIgnored) return { value: undefined, note: `no answer to ${offers} of IKEv1`, packets };
  const note = `${offers} of IKEv1, of every common kind and more than once, stayed unanswered while IKEv2 is answered`;
  return { value: false, note, packets };
}
