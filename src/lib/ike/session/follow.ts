import { type Path, sameEndpoint } from '../../core/endpoint.js';
import type { IkeSa } from './ike-sa.js';
import type { SessionState } from './state.js';

/**
 * RFC 7296 2.23: the address of an authenticated message is the one to talk to when the peer is behind a NAT. Who is
 * behind a NAT itself does not follow, lest one packet that a thief sends on moves the tunnel; a responder there has
 * a fixed mapping, and its clients may still move. From port 4500 nobody goes back to port 500: one message that a thief
 * brings there without its marker would take ESP out of UDP. Where the peer is cannot be told from where somebody on the
 * way says it is, so the host has a say too.
 */
export function follow(state: SessionState, ikeSa: IkeSa, path: Path): void {
  const moved = !sameEndpoint(ikeSa.path.remote, path.remote) || !sameEndpoint(ikeSa.path.local, path.local);
  if (!moved || (ikeSa.path.natT && !path.natT)) return;
  const floats = ikeSa.stage === 'half-open' && ikeSa.role === 'responder';
  const stays = !ikeSa.peerBehindNat || (ikeSa.weAreBehindNat && state.role === 'initiator');
  if (!floats && stays) return;
  const { address } = path.remote;
  const mayFollow = floats || address === ikeSa.path.remote.address || state.policy.mayFollow?.(address);
  if (mayFollow === false) {
    state.emit({ type: 'peer-elsewhere', path });
    return;
  }
  ikeSa.path = path;
  if (!floats) state.emit({ type: 'peer-moved', path, encapsulation: ikeSa.encapsulation });
}
