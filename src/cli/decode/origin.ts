import type { IkeSaReport, Role } from '../../lib/capture/analyse/types.js';

/** The SA at the beginning of a chain of rekeys, which tells what the later ones do not say again. */
export interface Origin {
  sa: IkeSaReport;
  /** Who had which role there; undefined when the addresses do not tell. */
  roles: Record<Role, Role> | undefined;
}

/** RFC 7296 2.18: who they are and where NATs stand is settled once. IKEv1 settles it anew each time. */
export function originOf(sa: IkeSaReport, all: readonly IkeSaReport[]): Origin | undefined {
  if (sa.version === 1) return undefined;
  const passed = new Set([sa.id]);
  let origin: IkeSaReport | undefined;
  let next = sa.rekeyOf;
  while (next !== undefined && !passed.has(next)) {
    passed.add(next);
    const before = all.find(({ id }) => id === next);
    origin = before ?? origin;
    next = before?.rekeyOf;
  }
  return origin === undefined ? undefined : { sa: origin, roles: rolesIn(sa, origin) };
}

function rolesIn(sa: IkeSaReport, origin: IkeSaReport): Record<Role, Role> | undefined {
  const [i, r, originI, originR] = [sa.initiator, sa.responder, origin.initiator, origin.responder].map(
    hostOf,
  );
  if (i === r) return undefined;
  if (i === originI && r === originR) return { initiator: 'initiator', responder: 'responder' };
  if (i === originR && r === originI) return { initiator: 'responder', responder: 'initiator' };
  return undefined;
}

/** `192.0.2.1:500` and `[2001:db8::1]:500` without port. */
function hostOf(endpoint: string): string {
  return endpoint.replace(/:\d+$/, '');
}
