import type { ControlView } from '#control/describe.ts';
import type { ProbeAnswer } from '#dataplane/forward/kernel-probe.ts';
import { nowUs } from '#host/clock/clock.ts';
import { Beats } from '#host/thread/beats.ts';
import type { RunningCheck } from '#pop-worker/routing/anycast/anycast.ts';
import { ForwardingProbe, type ProbeTarget } from '#pop-worker/routing/anycast/forwarding-probe.ts';
import { type ChecksSettings, patienceOf, watchedData } from '../checks-settings.ts';
import type { NetworkKeeper } from '../network-keeper.ts';
import { controlFault, revisionFault } from './control-checks.ts';
import { KernelPath, type KernelPathParts } from './kernel-path.ts';
import type { Neighbors } from './neighbors.ts';
import type { Uplinks } from './uplinks.ts';

const THREADS_EVERY_MS = 25;
const PROBE_EVERY_MS = 100;
const UPLINK_EVERY_MS = 200;
const SLOW_EVERY_MS = 1000;
/** So long a check that had failed has to hold. */
const STABLE_US = 2_000_000;

export interface WorkerChecksParts {
  readonly checks: ChecksSettings;
  /** That devices connect to. */
  readonly targets: readonly ProbeTarget[];
  /** The way that devices' packets take; undefined: there is no TUN, or it is not to be tried. */
  readonly kernel: (KernelPathParts & { readonly keeper: Pick<NetworkKeeper, 'fault' | 'look'> }) | undefined;
  readonly dataBeats: readonly SharedArrayBuffer[];
  /** What is known of the control plane now. */
  readonly control: () => ControlView | undefined;
  readonly uplinks: Pick<Uplinks, 'ask'>;
  readonly neighbors: Pick<Neighbors, 'established' | 'size'>;
}

/** What has to hold for a worker to be announced, and what operators are to see besides. */
export class WorkerChecks {
  /** How often a check gave more time, since a thread waited for a core. */
  readonly late = { threads: 0, forwarding: 0 };
  readonly #parts: WorkerChecksParts;
  readonly #beats: Beats;
  readonly #probes: readonly ForwardingProbe[];
  readonly #kernelPath: KernelPath | undefined;

  constructor(parts: WorkerChecksParts) {
    this.#parts = parts;
    const { checks, targets, kernel, dataBeats } = parts;
    const rules = patienceOf(checks);
    const excuse = (): (() => number) => this.#excuse();
    this.#beats = new Beats(watchedData(dataBeats, checks), nowUs());
    this.#probes = targets.map((target) => new ForwardingProbe(target, rules, excuse));
    this.#kernelPath = kernel && new KernelPath(kernel, rules, excuse);
  }

  /** A probe came back through the kernel. */
  probed(answer: ProbeAnswer): void {
    this.#kernelPath?.take(answer);
  }

  close(): void {
    this.#beats.close();
  }

  get all(): readonly RunningCheck[] {
    const { checks, control, uplinks } = this.#parts;
    return [
      {
        ...({ name: 'threads', effect: 'withdraw', failures: 1, stableUs: STABLE_US } as const),
        ...{ everyMs: THREADS_EVERY_MS, ask: () => this.#askThreads() },
      },
      {
        ...({ name: 'forwarding', effect: 'withdraw', failures: checks.answer_failures, stableUs: STABLE_US } as const),
        ...{ everyMs: PROBE_EVERY_MS, ask: () => this.#askForwarding() },
      },
      {
        ...({ name: 'uplinks', effect: 'unless-last', failures: 2, stableUs: STABLE_US } as const),
        ...{ everyMs: UPLINK_EVERY_MS, ask: () => uplinks.ask() },
      },
      {
        // Who has no session announces nothing anyway: that is for operators to see.
        ...({ name: 'neighbors', effect: 'show', failures: 1, stableUs: 0 } as const),
        ...{ everyMs: SLOW_EVERY_MS, ask: () => this.#askNeighbors() },
      },
      {
        // A worker that merely hears nobody goes on (fail static).
        ...({ name: 'control', effect: 'show', failures: 1, stableUs: 0 } as const),
        ...{ everyMs: SLOW_EVERY_MS, ask: () => controlFault(checks, control()) },
      },
      {
        // All may lose the control plane at once: the last one goes on, whatever the setting.
        name: 'revision',
        effect: checks.revision_age_seconds > 0 ? 'unless-last' : 'show',
        ...{ failures: 1, stableUs: STABLE_US, everyMs: SLOW_EVERY_MS },
        ask: () => revisionFault(checks, control(), Date.now()),
      },
    ];
  }

  #askThreads(): string | undefined {
    const beats = this.#beats;
    beats.look(nowUs());
    this.late.threads = beats.late.data;
    if (beats.missing === undefined) return undefined;
    return beats.isLate
      ? `a data-plane thread has waited for a core for ${this.#parts.checks.thread_late_ms} ms`
      : 'a data-plane thread is stuck';
  }

  async #askForwarding(): Promise<string | undefined> {
    const asked = this.#probes.map((probe) => probe.ask());
    const throughKernel = await this.#askKernel();
    const reasons = await Promise.all(asked);
    this.late.forwarding = this.#probes.reduce((sum, { late }) => sum + late, this.#kernelPath?.late ?? 0);
    return reasons.find((reason) => reason !== undefined) ?? throughKernel;
  }

  /** What does not come through makes the worker look at once what is missing. @returns why it does not, in words */
  async #askKernel(): Promise<string | undefined> {
    const keeper = this.#parts.kernel?.keeper;
    const reason = await this.#kernelPath?.ask();
    if (reason !== undefined) keeper?.look();
    const fault = keeper?.fault;
    return reason !== undefined && fault !== undefined ? `${reason}; ${fault}` : (reason ?? fault);
  }

  #askNeighbors(): string | undefined {
    const { established, size } = this.#parts.neighbors;
    return established > 0 || size === 0 ? undefined : `none of ${size} BGP neighbours has a session`;
  }

  /** @returns how long data-plane threads have waited for a core from now on, in microseconds */
  #excuse(): () => number {
    const waited = this.#beats.waits(nowUs());
    return () => waited(nowUs());
  }
}
