import { KitError } from '../../core/errors.js';
import { formatKeyword } from '../../crypto/keywords.js';
import { TransformType } from '../../crypto/transform.js';
import { isWeakerGroup } from '../negotiate.js';

const named = (group: number): string => formatKeyword({ type: TransformType.KE, id: group });

/** A `warning` event of the session. */
interface SteeringWarning {
  type: 'warning';
  code: string;
  message: string;
}

/**
 * Where answers to one IKE_SA_INIT steered us: INVALID_KE_PAYLOAD names another group (RFC 7296 1.2, 2.7), nobody
 * authenticates it, and neither does AUTH, which covers the last request and response alone.
 */
export class Steering {
  readonly #asked: number[] = [];

  /** @param first the group that we began with: the one we like best */
  constructor(private readonly first: number) {}

  /**
   * Takes note of an answer that is followed.
   * @returns a warning when it contradicts an earlier one: each of our requests names all groups, so a peer that tells
   *   the truth asks once
   */
  follow(group: number): SteeringWarning | undefined {
    this.#asked.push(group);
    if (this.#asked.length !== 2) return undefined;
    return { type: 'warning', code: 'W_KE_CONTRADICTION', message: this.#story };
  }

  /** What to end with when no answer comes that settles it. */
  get unsettled(): KitError | undefined {
    const [only, ...more] = this.#asked;
    if (only === undefined) return undefined;
    if (more.length > 0) {
      return new KitError('protocol', 'E_KE_CONTRADICTION', this.#story, {
        hint: 'Somebody on the path may forge answers, or several gateways share the address; with a single group in --ike there is nothing to choose.',
      });
    }
    return new KitError(
      'network',
      'E_NO_ANSWER',
      `An answer to IKE_SA_INIT asked for the group ${named(only)} instead of ${named(this.first)}, and then none came`,
      {
        hint: 'Somebody on the path may have forged it: such answers are not authenticated. Leave weak groups out of --ike.',
      },
    );
  }

  /** @returns a warning when what was agreed is weaker than what we began with */
  settled(group: number): SteeringWarning | undefined {
    if (!this.#asked.includes(group) || !isWeakerGroup(group, this.first)) return undefined;
    return {
      type: 'warning',
      code: 'W_WEAKER_GROUP',
      message: `An answer that nobody authenticates asked for the group ${named(group)}, which is weaker than ${named(this.first)}: the gateway knows no better one, or somebody on the path forged the answer; leave ${named(group)} out of --ike to be sure`,
    };
  }

  get #story(): string {
    return `Answers to IKE_SA_INIT contradict each other: they asked for the groups ${this.#asked.map(named).join(', then ')}`;
  }
}
