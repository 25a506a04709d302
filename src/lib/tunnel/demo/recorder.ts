import {
  DEMO_SCHEMA,
  type DemoObstacle,
  type DemoReport,
  type DemoThroughput,
} from '../../report/demo.schema.js';
import type { TunnelEvent } from '../types.js';

/** One line of the timeline. */
export interface DemoStep {
  /** Milliseconds since the start. */
  at: number;
  kind: 'stage' | 'exchange' | 'fact' | 'problem';
  text: string;
}

/** Collects what happened, tells it as it happens, and sums it up in the end. */
export class Recorder {
  readonly #start = Date.now();
  readonly #onStep: (step: DemoStep) => void;
  readonly #report: Omit<DemoReport, 'ok' | 'durationMs'>;

  constructor(mode: DemoReport['mode'], onStep: (step: DemoStep) => void, obstacle?: DemoObstacle) {
    this.#onStep = onStep;
    this.#report = {
      schema: DEMO_SCHEMA,
      mode,
      problems: [],
      ...(obstacle === undefined ? {} : { obstacle }),
      pingsSent: 0,
      pingsLost: 0,
      rekeys: { ike: 0, child: 0 },
      bytes: 0,
      checksumsEqual: false,
      exchanges: [],
    };
  }

  get rekeys(): Readonly<DemoReport['rekeys']> {
    return this.#report.rekeys;
  }

  stage(text: string): void {
    this.#tell('stage', text);
  }

  fact(text: string): void {
    this.#tell('fact', text);
  }

  problem(text: string): void {
    this.#report.problems.push(text);
    this.#tell('problem', text);
  }

  /** An event of the client, in order. */
  clientEvent(event: TunnelEvent): void {
    switch (event.event) {
      case 'exchange': {
        const initiator = event.initiatedByUs ? 'client' : 'server';
        const { exchange, messageId, purpose } = event;
        this.#report.exchanges.push({ at: this.#elapsed(), exchange, initiator, messageId, purpose });
        const arrow = event.initiatedByUs ? 'client → server' : 'server → client';
        this.#tell('exchange', `${arrow}  ${exchange.padEnd(15)} ${purpose}`);
        break;
      }
      case 'ike-sa-established':
        this.#report.suites = { ike: event.proposal, child: this.#report.suites?.child ?? '' };
        this.fact(
          `IKE SA: ${event.proposal}; ${event.localId} to ${event.remoteId}, both proved the pre-shared key`,
        );
        break;
      case 'addresses-assigned':
        this.fact(`the server lends the client ${event.addresses.join(', ')}`);
        break;
      case 'child-sa-established':
        this.#report.suites = { ike: this.#report.suites?.ike ?? '', child: event.proposal };
        this.fact(
          `child SA: ESP with ${event.proposal}; ${event.localTs.join(' ')} to ${event.remoteTs.join(' ')}`,
        );
        break;
      case 'child-sa-rekeyed':
        this.#report.rekeys.child += 1;
        this.fact(`new ESP keys: SPIs ${event.inboundSpi} in, ${event.outboundSpi} out`);
        break;
      case 'ike-sa-rekeyed':
        this.#report.rekeys.ike += 1;
        this.fact(`new IKE keys: SPIs ${event.initiatorSpi} and ${event.responderSpi}`);
        break;
      case 'error':
        this.problem(`The client reports: ${event.message} (${event.code})`);
        break;
      default:
        break;
    }
  }

  pings(sent: number, lost: number): void {
    this.#report.pingsSent = sent;
    this.#report.pingsLost = lost;
  }

  transfer(bytes: number, checksumsEqual: boolean): void {
    this.#report.bytes = bytes;
    this.#report.checksumsEqual = checksumsEqual;
  }

  throughput(throughput: DemoThroughput): void {
    this.#report.throughput = throughput;
  }

  /** Judges the whole and ends the record. */
  finish(): DemoReport {
    const { pingsSent, pingsLost, rekeys, checksumsEqual, suites, throughput, problems } = this.#report;
    if (problems.length === 0) {
      if (suites === undefined) this.problem('The tunnel did not come up.');
      if (pingsSent === 0) this.problem('No ping was sent.');
      if (pingsLost > 0) this.problem(`${pingsLost} of ${pingsSent} pings were lost.`);
      if (!checksumsEqual) this.problem('The data did not arrive as it was sent.');
      if (throughput === undefined) this.problem('The throughput was not measured.');
      if (rekeys.child === 0) this.problem('The child SA was not rekeyed.');
      if (rekeys.ike === 0) this.problem('The IKE SA was not rekeyed.');
    }
    return { ...this.#report, ok: problems.length === 0, durationMs: this.#elapsed() };
  }

  #elapsed(): number {
    return Date.now() - this.#start;
  }

  #tell(kind: DemoStep['kind'], text: string): void {
    this.#onStep({ at: this.#elapsed(), kind, text });
  }
}
