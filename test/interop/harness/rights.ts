const NOBODY = '65534';

/**
 * What to put before a command that an ordinary user is to run with a few capabilities, which are ambient: programs that
 * it starts have them, too (capabilities(7)).
 * @param capabilities without `CAP_`, in small letters
 */
export function ordinaryUser(...capabilities: string[]): string[] {
  // Reading is always allowed: nobody knows where the repository lies.
  const few = ['-all', ...['dac_read_search', ...capabilities].map((name) => `+${name}`)].join(',');
  const user = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
  return ['setpriv', ...user, '--bounding-set', few, '--inh-caps', few, '--ambient-caps', few];
}
