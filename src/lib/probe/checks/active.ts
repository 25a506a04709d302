/** Why active checks say nothing in an ordinary run. */
export const NEEDS_ACTIVE = 'An active check: it runs only with --active.';
