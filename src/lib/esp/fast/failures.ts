import { KitError } from '../../core/errors.js';
import { noFastIo } from '../../net/native-io.js';

/*
 * What fails once and what fails for good: whoever reads again and again what never comes takes all of a processor,
 * and nobody hears of it.
 */

const EBADF = 9;
const EINVAL = 22;
const ENOTSOCK = 88;

/** Failures in a row that cannot be chance: some hundredths of a second of them. */
const MAX_FAILURES = 10_000;

/**
 * Looks at what a read of a socket brought. A report that nobody listened (ECONNREFUSED) is no fault of the socket: it
 * was read, and the next call goes on. A call that the system does not have, or forbids, fails each time.
 * @param result datagrams, or minus errno
 * @throws {KitError} `E_DEVICE`, `E_NO_FAST_IO` (environment)
 */
export function noteReceived(socket: { failures: number }, result: number): void {
  if (result >= 0) {
    socket.failures = 0;
    return;
  }
  if (result === -EBADF || result === -ENOTSOCK) throw gone('a socket');
  socket.failures += 1;
  if (socket.failures === MAX_FAILURES) throw noFastIo(`recvmmsg fails with errno ${-result}`);
}

/** Packets in a row that a device could not hand out. */
export class UnreadablePackets {
  #count = 0;

  /**
   * Linux says EINVAL of a packet that it has no virtio header for, and drops it: the next one may be better.
   * @param result bytes that a read of the device brought, or minus errno
   * @returns true when only a packet was lost, and not the device
   */
  note(result: number): boolean {
    this.#count = result === -EINVAL ? this.#count + 1 : 0;
    return this.#count > 0 && this.#count < MAX_FAILURES;
  }
}

/** The tunnel cannot go on without the device or a socket. */
export function gone(what: string): KitError {
  return new KitError('environment', 'E_DEVICE', `The tunnel failed: ${what} is gone`, {
    hint: 'Start again; something on this host may have removed the device.',
  });
}
