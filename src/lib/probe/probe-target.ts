import type { Milliseconds } from '../core/environment.js';
import { type ErrorKind, KitError } from '../core/errors.js';
import { parseGeneralName } from '../pki/general-name.js';
import { runActiveChecks } from './active.js';
import { type AuthTrust, probeAuth } from './auth-probe.js';
import { vendorIdsOf } from './capabilities.js';
import { fingerprintOf } from './fingerprint.js';
import { Oracle } from './oracle.js';
import type { ProbeContext, ProbeNetwork, ProbePhase, ProbeTarget } from './probe-target-context.js';
import { Ikev2Inquiry } from './probe-target-ikev2.js';
import { Scheduler } from './scheduler.js';
import { livenessCheck } from './scheduler-message.js';
import { HalfOpenSas, systemTimers, Traffic } from './scheduler-traffic.js';
import type { ProbeTransport } from './transport.js';
import { askTcp } from './transport-tcp.js';
import { openUdpTransport } from './transport-udp.js';
import type { ProbeOptions, ProbePacket, TargetFacts, VendorId } from './types.js';
import { probeIkev1 } from './v1.js';
import { describeVendorId } from './vendor-ids.js';

export type {
  ProbeContext,
  ProbeEvent,
  ProbeNetwork,
  ProbePhase,
  ProbeTarget,
} from './probe-target-context.js';

/** Half-open SAs that one target may be left with. */
const MAX_HALF_OPEN_LEFT = 2;

/** Kinds of strange answers that are told. */
const MAX_UNCLEAR = 8;

const systemNetwork: ProbeNetwork = { openUdp: openUdpTransport, askTcp, timers: systemTimers };

/** Errors that every target would meet: the source port that was chosen is not to be had. */
const ofEveryTarget: ReadonlySet<string> = new Set(['E_PRIVILEGE', 'E_PORT_IN_USE']);

/**
 * Finds out everything about one target that can be learnt without credentials. Never rejects for what the target does;
 * whatever else goes wrong ends the run of this target, and `limits` says so.
 * @throws KitError of kind environment when the source port cannot be opened (`E_PRIVILEGE`, `E_PORT_IN_USE`)
 */
export async function probeTarget(
  target: ProbeTarget,
  options: ProbeOptions,
  context: ProbeContext,
  network: ProbeNetwork = systemNetwork,
): Promise<TargetFacts> {
  const run = new Run(target, target.address ?? '', options, context, network);
  try {
    if (target.address !== undefined) await run.go();
  } catch (error) {
    if (error instanceof KitError && ofEveryTarget.has(error.code)) throw error;
    context.log('error', error instanceof Error ? (error.stack ?? error.message) : String(error));
    run.fail(error);
  } finally {
    await run.close();
  }
  return run.facts();
}

/** One port of the target with who asks it. */
interface Port {
  transport: ProbeTransport;
  scheduler: Scheduler;
}

class Run {
  readonly #halfOpen = new HalfOpenSas(MAX_HALF_OPEN_LEFT);
  readonly #traffic: Traffic;
  /** Of this target alone: many targets that listen to the same one would look like a leak. */
  readonly #signal: AbortSignal;
  readonly #ports: TargetFacts['ports'] = { ike: 'not tried', natT: 'not tried', tcp: 'not tried' };
  readonly #open: Port[] = [];
  #main: Port | undefined;
  #oracle: Oracle | undefined;
  #inquiry: Ikev2Inquiry | undefined;
  #ikev1: TargetFacts['ikev1'];
  #auth: TargetFacts['auth'];
  #active: TargetFacts['active'];
  readonly #vendorIds = new Map<string, VendorId>();
  readonly #working: Promise<unknown>[] = [];
  #failure: ErrorKind | undefined;

  constructor(
    private readonly target: ProbeTarget,
    private readonly address: string,
    private readonly options: ProbeOptions,
    private readonly context: ProbeContext,
    private readonly network: ProbeNetwork,
  ) {
    const onPacket = (packet: ProbePacket, sent: number): void =>
      context.onProgress({ type: 'packet', packet, sent, budget: options.budget });
    const { clock, signal } = context;
    this.#signal = AbortSignal.any([signal]);
    this.#traffic = new Traffic(options, clock, network.timers, this.#signal, onPacket, this.#halfOpen);
  }

  async go(): Promise<void> {
    this.#phase('reach');
    const ike = await this.#openPort(false);
    await (ike === undefined ? this.#askTcp() : this.#ask(ike));
    if (this.#traffic.interrupted) this.#traffic.checkEnd();
  }

  async #ask(ike: Port): Promise<void> {
    const contact = this.#beside(this.#contact(ike));
    // Other ports wait for the first one, which a small budget is for, until it answers or does not in time.
    const first = this.#beside(Promise.race([contact, this.#traffic.sleep(this.options.timeout)]));
    const natT = this.#beside(first.then(() => this.#knockNatT(ike)));
    const tcp = this.#beside(first.then(() => this.#askTcp()));
    const isThere = await contact;
    if (isThere) await this.#investigate();
    const other = await natT;
    if (!isThere && other?.scheduler.answers === true && (await this.#contact(other)))
      await this.#investigate();
    await this.#beyondIkev2();
    if (isThere && this.options.depth === 'full' && other !== undefined) await this.#knock(other);
    await tcp;
    await Promise.all(this.#open.map(({ scheduler }) => scheduler.settle()));
  }

  /** Notes what runs beside other things, so that the run does not end before it does, and no rejection is missed. */
  #beside<T>(work: Promise<T>): Promise<T> {
    this.#working.push(work.catch(() => {}));
    return work;
  }

  /** An error of ours ends the run. */
  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#failure = error instanceof KitError ? error.kind : 'bug';
    this.#traffic.limits.add(`An error ended the run: ${message.replace(/[.]$/, '')}.`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#working);
    this.#traffic.close();
    await Promise.all(this.#open.map(({ transport }) => transport.close()));
  }

  facts(): TargetFacts {
    const { host, address } = this.target;
    const ikev2 = this.#ikev2();
    const limits = [...this.#traffic.limits, ...(this.#inquiry?.limits ?? []), ...this.#unclear()];
    const vendorIds = [...this.#vendorIds.values()];
    const unfinished = this.#unfinished;
    return {
      host,
      address,
      port: this.options.port,
      ports: this.#ports,
      verdict: this.#verdict(),
      ...(unfinished !== undefined && { unfinished }),
      ...(this.#failure !== undefined && { failure: this.#failure }),
      limits,
      ikev2,
      ikev1: this.#ikev1,
      auth: this.#auth,
      active: this.#active,
      vendorIds,
      fingerprint: fingerprintOf({
        vendorIds,
        initResponse: this.#oracle?.answers[0]?.response,
        initRefusal: this.#oracle?.refusal,
        cookie: this.#oracle?.cookies.sample,
        ikev2,
        ikev1: this.#ikev1,
      }),
      amplification: this.#main?.scheduler.amplification ?? { largestRatio: 0, unsolicited: 0, packets: [] },
      packets: this.#traffic.count,
      log: this.#traffic.log,
    };
  }

  /** Asks the port for the first time. @returns whether it answers IKEv2 */
  async #contact(port: Port): Promise<boolean> {
    this.#phase('contact');
    const { scheduler } = port;
    let trusted = 0;
    const oracle = new Oracle(scheduler, {
      watch: (control) => {
        scheduler.control = control;
      },
      onTaken: () => {
        trusted = inquiry.knowledge.refusals;
      },
      onDoubt: () => {
        inquiry.knowledge.distrustSince(trusted);
        this.#traffic.limits.add(
          'The gateway refused what it took before: what it refused meanwhile is inconclusive.',
        );
      },
    });
    const inquiry = new Ikev2Inquiry(oracle, (kind, algorithm) =>
      this.context.onProgress({ type: 'accepted', kind, algorithm }),
    );
    await inquiry.contact();
    // The last packet of a budget may open nothing half-open, and still tells who is there.
    if (scheduler.port === 'not tried') await this.#knock(port, true);
    this.#ports[port.transport.path.natT ? 'natT' : 'ike'] = scheduler.port;
    if (!scheduler.answers && this.#main !== undefined) return false;
    this.#main = port;
    this.#oracle = oracle;
    this.#inquiry = inquiry;
    return scheduler.answers;
  }

  async #investigate(): Promise<void> {
    if (this.options.depth !== 'full') return;
    this.#phase('algorithms');
    await this.#inquiry?.investigate(this.options.suites, () => this.#phase('suites'));
  }

  /** Whether the NAT-T port answers. */
  async #knockNatT(ike: Port): Promise<Port | undefined> {
    const natT = await this.#openPort(true);
    if (natT === undefined) return undefined;
    natT.scheduler.learnFrom(ike.scheduler);
    await this.#knock(natT, ike.scheduler.answers);
    return natT;
  }

  /** @param once another time comes */
  async #knock({ scheduler, transport }: Port, once = false): Promise<void> {
    if (scheduler.port === 'open' || scheduler.port === 'closed') return;
    const { datagram, options } = new Oracle(scheduler, { watch: () => {} }).control(this.#inquiry?.usable);
    const summary = `IKE_SA_INIT to port ${transport.path.remote.port}`;
    await scheduler.ask(datagram, { ...options, summary, once });
    this.#ports[transport.path.natT ? 'natT' : 'ike'] = scheduler.port;
  }

  async #beyondIkev2(): Promise<void> {
    const { options, context } = this;
    const main = this.#main;
    const oracle = this.#oracle;
    if (main === undefined || oracle === undefined) return;
    const usable = this.#inquiry?.usable;
    const isFull = options.depth === 'full';
    for (const id of vendorIdsOf(oracle.answers)) this.#noteVendorId(id);
    if (isFull && usable !== undefined && !main.scheduler.lost) {
      this.#phase('authentication');
      const { trust, identity } = context;
      const checked = trust && { ...trust, ...nameOf(this.target.host), now: context.clock.now() };
      this.#auth = await probeAuth(main.scheduler, oracle.opener, {
        transforms: usable,
        identity,
        trust: checked,
      });
    }
    if (options.ikev1 && main.scheduler.port !== 'closed') {
      this.#phase('ikev1');
      const answersIkev2 = main.scheduler.answers;
      const { identity } = context;
      const found = await probeIkev1(main.scheduler, { identity, depth: options.depth, answersIkev2 });
      this.#ikev1 = found.facts;
      for (const id of found.vendorIds) this.#noteVendorId(id);
    }
    if (options.active && usable !== undefined && !main.scheduler.lost) {
      this.#phase('active');
      const { identity, pskWords } = context;
      this.#active = await runActiveChecks(main.scheduler, oracle.opener, {
        transforms: usable,
        groups: this.#inquiry?.knowledge.groups.map(({ id }) => id) ?? [],
        pskGuesses: identity && pskWords && { identity, words: pskWords },
        pause: (duration) => this.#traffic.sleep(duration),
      });
    }
  }

  /** IKE over TCP (RFC 9329): a header that asks for no SA is enough to see whether somebody speaks it. */
  async #askTcp(): Promise<void> {
    if (this.options.depth !== 'full' || this.#traffic.interrupted) return;
    const { datagram, match } = livenessCheck(this.context.entropy);
    this.#ports.tcp = await this.network.askTcp({
      address: this.address,
      port: this.options.natPort,
      message: datagram,
      match,
      timeout: this.options.timeout,
      signal: this.#signal,
      onSent: () => this.#traffic.sent(datagram.length, 'IKE 3.0 header over TCP', false) !== undefined,
      onReceived: (reply) => void this.#traffic.received(reply.length, 'an answer over TCP'),
    });
  }

  async #openPort(natT: boolean): Promise<Port | undefined> {
    const { options, context, address } = this;
    const port = natT ? options.natPort : options.port;
    const sourcePort = natT ? undefined : options.sourcePort;
    try {
      const transport = await this.network.openUdp({ address, port, natT, sourcePort });
      const onPause = (duration: Milliseconds, reason: string): void =>
        context.onProgress({ type: 'pause', for: duration, reason });
      const scheduler = new Scheduler(
        transport,
        this.#traffic,
        this.#halfOpen,
        context.entropy,
        options,
        onPause,
      );
      const opened = { transport, scheduler };
      this.#open.push(opened);
      return opened;
    } catch (error) {
      if (!(error instanceof KitError) || error.kind !== 'network') throw error;
      this.#traffic.limits.add(error.message);
      return undefined;
    }
  }

  #ikev2(): TargetFacts['ikev2'] {
    const oracle = this.#oracle;
    if (oracle?.speaksIkev2 !== true) return undefined;
    return this.#inquiry?.facts(this.options.suites, this.#halfOpen.left);
  }

  get #unfinished(): TargetFacts['unfinished'] {
    return this.#failure !== undefined ? 'error' : this.#traffic.unfinished;
  }

  #verdict(): TargetFacts['verdict'] {
    if (this.target.address === undefined) return 'unresolved';
    const main = this.#main?.scheduler;
    if (main?.lost === true) return 'blocked';
    if (main?.answers === true || this.#ikev1?.enabled.value === true) return 'answers';
    if (this.#open.some(({ scheduler }) => scheduler.garbage > 0)) return 'not ike';
    if (this.#ports.ike === 'closed') return 'closed';
    return this.#unfinished === undefined ? 'no answer' : 'unfinished';
  }

  /** Strange answers, in sentences. */
  #unclear(): string[] {
    return [...(this.#oracle?.unclear ?? [])]
      .slice(0, MAX_UNCLEAR)
      .map(
        ([problem, packets]) =>
          `The gateway ${problem} (packet ${packets[0] ?? '?'}): what was asked there is inconclusive.`,
      );
  }

  #noteVendorId(id: Uint8Array): void {
    const described = describeVendorId(id);
    this.#vendorIds.set(described.hex, described);
  }

  #phase(phase: ProbePhase): void {
    this.context.onProgress({ type: 'phase', phase });
  }
}

/** The name that was dialled, as certificates have it. An address may stand for any name: then none is wanted of them. */
function nameOf(host: string): Pick<AuthTrust, 'name'> {
  try {
    const name = parseGeneralName(host);
    return name.kind === 'ip' ? {} : { name };
  } catch (error) {
    if (error instanceof KitError) return {};
    throw error;
  }
}
