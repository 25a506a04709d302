import type { IncompleteDatagram } from '../../read/units.js';
import type { CaptureNote } from '../../types.js';
import { joinFrames } from '../evidence.js';
import type { ConversationReport, Finding, FlowReport, IkeSaReport, Severity } from '../types.js';

/** A kind of finding, as the documentation lists it. */
export interface FindingKind {
  severity: Severity;
  /** What it means when this is found, one sentence. */
  summary: string;
  /** What to do next, unless a finding says something more fitting. */
  advice: string;
}

/** Everything that findings are made from. */
export interface Scene {
  report: ConversationReport;
  notes: readonly CaptureNote[];
  incomplete: readonly IncompleteDatagram[];
  /** Every flow, and by the two hosts it runs between; so are the IKE SAs. Big captures have thousands of each. */
  flows: readonly FlowReport[];
  flowsOf: (a: string, b: string) => readonly FlowReport[];
  ikeSasOf: (a: string, b: string) => readonly IkeSaReport[];
}

/** Reports one finding. `advice` replaces that of the kind. */
export type Emit<Id extends string> = (
  id: Id,
  frames: readonly (readonly number[] | undefined)[],
  title: string,
  advice?: string,
) => void;

/** Kinds that belong together, with the rules that find them. */
export interface FindingGroup {
  name: string;
  kinds: Readonly<Record<string, FindingKind>>;
  find(scene: Scene): Finding[];
}

/** Makes a group whose rules can only report kinds it documents. */
export function findingGroup<Id extends string>(
  name: string,
  kinds: Readonly<Record<Id, FindingKind>>,
  rules: (scene: Scene, emit: Emit<Id>) => void,
): FindingGroup {
  return {
    name,
    kinds,
    find(scene) {
      const findings: Finding[] = [];
      rules(scene, (id, frames, title, advice) => {
        const kind = kinds[id];
        findings.push({
          id,
          severity: kind.severity,
          frames: joinFrames(...frames),
          title,
          advice: advice ?? kind.advice,
        });
      });
      return findings;
    },
  };
}
