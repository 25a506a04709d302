import { KitError } from '../../../core/errors.js';
import { printable } from '../../../core/printable.js';
import type { AttemptLimiter } from './limiter.js';
import type { UserSecret, UserStore } from './users.js';

/** Checks passwords of clients at one address, with the limit on wrong ones. */
export class PasswordCheck {
  constructor(
    private readonly users: UserStore,
    private readonly limiter: AttemptLimiter,
    private readonly address: string,
    /** Stands in for the secret of a user that does not exist, so that the answer takes the same way and time. */
    private readonly decoy: UserSecret,
  ) {}

  /**
   * @param claimed the name as the client gave it; `DOMAIN\` in front is dropped when only the rest is known
   * @param test what the secret proves; undefined when the password was wrong
   * @returns the user's name in the store with what was proved, or why not: refused `E_EAP_PASSWORD`,
   *   `E_EAP_UNKNOWN_USER`, `E_EAP_TOO_MANY`
   */
  verify<T>(
    claimed: string,
    test: (secret: UserSecret) => T | undefined,
  ): { user: string; proved: T } | KitError {
    const bare = claimed.slice(claimed.indexOf('\\') + 1);
    const known = [claimed, bare].find((name) => this.users.find(name) !== undefined);
    const proved = test((known === undefined ? undefined : this.users.find(known)) ?? this.decoy);
    // Counted under the bare name: other domains in front of it would be fresh attempts otherwise.
    const user = known ?? bare;
    if (!this.limiter.allows(this.address, user)) return tooMany(user);
    if (known !== undefined && proved !== undefined) {
      this.limiter.succeeded(this.address, user);
      return { user, proved };
    }
    this.limiter.failed(this.address, user);
    return known === undefined ? unknownUser(user) : wrongPassword(user);
  }
}

function tooMany(user: string): KitError {
  return new KitError('refused', 'E_EAP_TOO_MANY', `Too many wrong passwords for the user ${quote(user)}`, {
    hint: 'After a while without attempts it may try again.',
  });
}

function unknownUser(user: string): KitError {
  return new KitError('refused', 'E_EAP_UNKNOWN_USER', `There is no user ${quote(user)}`, {
    hint: 'Names are compared exactly; the users file has one user a line as name:password.',
  });
}

function wrongPassword(user: string): KitError {
  return new KitError('refused', 'E_EAP_PASSWORD', `The user ${quote(user)} gave a wrong password`);
}

function quote(user: string): string {
  return `"${printable(user)}"`;
}
