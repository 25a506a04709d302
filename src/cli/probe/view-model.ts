/** What a piece of text says about the gateway, for colours. */
export type Tone = 'good' | 'warn' | 'bad' | 'note' | 'plain';

export interface Toned {
  text: string;
  tone: Tone;
}

export interface TableView {
  head: string[];
  rows: Toned[][];
}

export interface FindingView {
  id: string;
  severity: string;
  tone: Tone;
  title: string;
  evidence: string[];
  remediation: string | undefined;
  /** Configuration to paste. */
  config: string | undefined;
  references: string[];
}

/** One part of a report; what is absent is not shown. */
export interface SectionView {
  title: string;
  facts?: [name: string, value: string][];
  table?: TableView;
  lines?: Toned[];
  /** To be copied as it is. */
  code?: string;
}

/** A report on one target, ready to be written down in any form. */
export interface TargetView {
  title: string;
  /** undefined: only changes are shown. */
  grade: { letter: string; tone: Tone; reasons: string[] } | undefined;
  facts: [name: string, value: string][];
  /** undefined: they are not shown. */
  findings: FindingView[] | undefined;
  sections: SectionView[];
}

export function plain(text: string): Toned {
  return { text, tone: 'plain' };
}

export function note(text: string): Toned {
  return { text, tone: 'note' };
}
