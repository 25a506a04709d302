import { KitError } from '../../core/errors.js';
import { keTransform } from '../../crypto/registry.js';
import { type KeyExchange, TransformType } from '../../crypto/transform.js';
import type { ProposalTemplate } from '../proposals.js';

/** A fresh key exchange of a group that negotiation allowed. @throws KitError bug when the registry has no implementation */
export function generateKe(group: number): KeyExchange {
  const generate = keTransform(group)?.generate;
  if (!generate) throw new KitError('bug', 'E_KE_GROUP', `Key exchange group ${group} has no implementation`);
  return generate();
}

/** All groups of some templates, in their order, without repeats; NONE (0) left out. */
export function groupsOf(templates: readonly ProposalTemplate[]): number[] {
  const groups = templates.flatMap((template) =>
    template.transforms.filter((t) => t.type === TransformType.KE && t.id !== 0).map((t) => t.id),
  );
  return [...new Set(groups)];
}
