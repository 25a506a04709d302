/** What of an inner packet its outer one shows, and what packets are made to fit. */
export interface PathPolicy {
  /** Don't Fragment of the outer packet: as inside, always, or never (RFC 4301 8.1). */
  df: 'copy' | 'set' | 'clear';
  /** DSCP of the outer packet: as inside, 0, or this number, 0 to 63 (RFC 4301 5.1.2.1). */
  dscp: 'copy' | 'clear' | number;
  /** The largest TCP segment that a connection may agree on: what fits, as they like, or this many bytes. */
  mssClamp: 'auto' | 'off' | number;
}

export const defaultPathPolicy: PathPolicy = { df: 'copy', dscp: 'copy', mssClamp: 'auto' };
