import { algorithms } from './algorithms.js';
import { authentication } from './authentication.js';
import { capture } from './capture.js';
import { certificates } from './certificates.js';
import { downgrade } from './downgrade.js';
import { eap } from './eap.js';
import { errors } from './errors.js';
import { esp } from './esp.js';
import type { FindingGroup, FindingKind } from './group.js';
import { icv } from './icv.js';
import { ikev1 } from './ikev1.js';
import { keyExchange } from './key-exchange.js';
import { lifetime } from './lifetime.js';
import { nat } from './nat.js';
import { proposals } from './proposals.js';
import { reach } from './reach.js';
import { selectors } from './selectors.js';

/** All groups of findings, in the order in which a connection comes up. */
export const findingGroups: readonly FindingGroup[] = [
  capture,
  reach,
  proposals,
  keyExchange,
  authentication,
  eap,
  certificates,
  selectors,
  nat,
  esp,
  icv,
  lifetime,
  algorithms,
  downgrade,
  ikev1,
  errors,
];

/** Every finding there is, for the documentation. Ids are stable: scripts depend on them. */
export const findingCatalogue: readonly (FindingKind & { id: string; group: string })[] =
  findingGroups.flatMap(({ name, kinds }) =>
    Object.entries(kinds).map(([id, kind]) => ({ id, group: name, ...kind })),
  );
