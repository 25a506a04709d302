/** Flags of `psk audit` as the parser yields them. */
export interface PskAuditFlags {
  wordlist: string;
  resume?: string | undefined;
  threads?: number | undefined;
  show: boolean;
  format: 'text' | 'json';
  json: boolean;
  color: boolean;
}
