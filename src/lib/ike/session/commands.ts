import type { Path } from '../../core/endpoint.js';
import type { Milliseconds } from '../../core/environment.js';
import { MakeChild } from './create-child.js';
import { follow } from './follow.js';
import { IkeSa } from './ike-sa.js';
import { DeleteChild, DeleteIkeSa, LivenessCheck } from './informational.js';
import { RekeyIkeSa } from './rekey-ike.js';
import { SaInit } from './sa-init.js';
import type { SessionState } from './state.js';
import type { SessionCommand } from './types.js';

/** Does what this side wants: queues the exchanges for it. Until both sides are authenticated only the end can be had. */
export function runCommand(
  state: SessionState,
  command: Exclude<SessionCommand, { type: 'initiate' }>,
  now: Milliseconds,
): void {
  const ikeSa = state.current;
  if (state.closed || !ikeSa) return;
  const ends = command.type === 'close' || command.type === 'abandon';
  if (ikeSa.stage === 'half-open' && !ends) return;
  switch (command.type) {
    case 'rekey-ike':
      state.enqueue(ikeSa, new RekeyIkeSa(state), now);
      return;
    case 'rekey-child': {
      const child = state.children.get(command.childId);
      if (child) state.enqueue(child.ikeSa, MakeChild.successorOf(state, child), now);
      return;
    }
    case 'create-child':
      state.enqueue(ikeSa, new MakeChild(state, command.localTs, command.remoteTs), now);
      return;
    case 'delete-child': {
      const child = state.children.get(command.childId);
      if (child) state.enqueue(child.ikeSa, new DeleteChild(state, child, command.reason), now);
      return;
    }
    case 'check-liveness':
      state.enqueue(ikeSa, new LivenessCheck(), now);
      return;
    case 'peer-moved':
      follow(state, ikeSa, command.path);
      return;
    case 'abandon':
      state.end(ikeSa, 'replaced', now);
      return;
    case 'close':
      close(state, now);
  }
}

/** Starts the first IKE SA. */
export function initiate(state: SessionState, path: Path, now: Milliseconds): void {
  if (state.closed || state.ikeSas.length > 0) return;
  const ikeSa = new IkeSa('initiator', state.newIkeSpi(), path, now);
  state.ikeSas.push(ikeSa);
  state.enqueue(ikeSa, new SaInit(state), now);
}

function close(state: SessionState, now: Milliseconds): void {
  for (const ikeSa of [...state.ikeSas]) {
    if (ikeSa.stage === 'half-open') state.end(ikeSa, 'deleted-by-us', now);
    else if (ikeSa.stage === 'established') {
      ikeSa.queue.length = 0;
      state.enqueue(ikeSa, new DeleteIkeSa(state, 'deleted-by-us'), now);
    }
  }
}
