import { csvFields } from './fields.js';
import { parseJsonKeys } from './json.js';
import { isTcpdumpLine, tcpdumpLine } from './tcpdump.js';
import { type KeyEntry, KeyLineError, type KeySource, type ParsedKeys } from './types.js';
import { wiresharkLine } from './wireshark.js';
import { isXfrmDetail, isXfrmHead, xfrmState } from './xfrm.js';

/**
 * Reads a key file of any format this package knows, recognised line by line, so that formats may be mixed: Wireshark's
 * three tables (also as strongSwan's save-keys writes them), lines of `tcpdump -E` and of libreswan, the output of
 * `ip xfrm state`, and JSON key logs. A line that is no key and no comment is a problem, never passed over.
 * @param fileName only for messages
 */
export function parseKeyFile(text: string, fileName: string): ParsedKeys {
  const content = text.replace(/^\uFEFF/, '');
  if (/^\s*[{[]/.test(content)) return parseJsonKeys(content, fileName);
  const found: ParsedKeys = { keys: [], problems: [] };
  const lines = content.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    const source = { file: fileName, line: i + 1 };
    const begin = i;
    if (isXfrmHead(lines[i]!)) while (i + 1 < lines.length && isXfrmDetail(lines[i + 1]!)) i += 1;
    try {
      found.keys.push(...readEntry(lines.slice(begin, i + 1), source));
    } catch (error) {
      if (!(error instanceof KeyLineError)) throw error;
      found.problems.push({ ...source, message: error.message });
    }
  }
  return found;
}

function readEntry(lines: readonly string[], source: KeySource): KeyEntry[] {
  const line = lines[0]!.trim();
  if (line === '' || line.startsWith('#')) return [];
  if (isXfrmHead(lines[0]!)) return xfrmState(lines, source);
  if (isTcpdumpLine(line)) return tcpdumpLine(line, source);
  return wiresharkLine(csvFields(line), source);
}
