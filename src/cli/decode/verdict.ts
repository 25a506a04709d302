import type { IkeSaReport } from '../../lib/capture/analyse/types.js';
import type { DecodeResult } from '../../lib/capture/decode.js';
import type { PacketFilter } from '../../lib/capture/packet-filter.js';
import { countText } from './words.js';

/** What to say when none of the findings that are shown is grave. */
export function verdictText(
  shown: number,
  { diagnosis, ikeSas }: DecodeResult,
  filter: PacketFilter,
): string {
  const all = diagnosis.length;
  if (shown === all) return allClearText(ikeSas.filter(isSealed).length);
  const by = `--filter ${filter.text}`;
  if (shown === 0) return `None of the ${countText(all, 'finding')} matches ${by}.`;
  return `No problem is among the findings that match ${by}; ${all - shown} more are hidden.`;
}

/** What was not read may be wrong all the same. */
function allClearText(sealed: number): string {
  if (sealed === 0) return 'Nothing wrong was found.';
  const which = `${countText(sealed, 'IKE SA')} ${sealed === 1 ? 'is' : 'are'}`;
  return `Nothing wrong was found in what can be read; ${which} encrypted from IKE_AUTH on: give --keys to read on.`;
}

function isSealed({ version, exchanges }: IkeSaReport): boolean {
  return (
    version === 2 &&
    exchanges.some(({ exchange, response }) => exchange === 'IKE_AUTH' && response?.readable === false)
  );
}

/** What is said when not everything is shown. */
export function hiddenText(shown: number, all: number, filter: PacketFilter): string | undefined {
  if (shown === all) return undefined;
  return shown === 0
    ? `Nothing matches --filter ${filter.text}.`
    : `${(all - shown).toLocaleString('en-US')} more are hidden by --filter ${filter.text}.`;
}
