import { nowUs } from '#host/clock/clock.ts';
import type { ThreadKind } from '#host/thread/beats.ts';
import { diagnosticText, STATE_NAMES } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';
import { BfdThread, type BfdThreadOptions } from './bfd-thread.ts';
import { type BfdClient, BfdClients, type BfdInterest, type BfdPath } from './clients.ts';
import type { BfdSeat } from './seat.ts';

/** A path as operators see it. */
export interface BfdPathStatus {
  readonly local: string;
  readonly remote: string;
  readonly state: (typeof STATE_NAMES)[number] | 'unopened';
  /** Of its state, to milliseconds. */
  readonly sinceSeconds: number;
  /** Why our state changed last, and the peer's, in words of RFC 5880 §4.1. */
  readonly diagnostic: string;
  readonly remoteDiagnostic: string;
  /** Between our packets, and until a silent peer is Down; 0 before it was heard. */
  readonly transmitMs: number;
  readonly detectionMs: number;
  /** How often it was Up and is no longer. */
  readonly failures: number;
  /** Why it has no sockets; one sentence. */
  readonly problem?: string;
}

export interface BfdStatus {
  /** Whether the thread goes before ordinary ones. */
  readonly realtime: boolean;
  /** The thread of ours that is silent and has all sessions kept down. */
  readonly heldBy?: ThreadKind;
  /** How often a thread was silent for longer than it may, for it waited for a core. */
  readonly late: number;
  readonly paths: readonly BfdPathStatus[];
}

export interface BfdServiceEvents {
  /** The thread ended by itself; one sentence. Peers find all sessions silent. */
  gone(reason: string): void;
  /** All sessions are kept down because that thread does not beat; undefined: no more. */
  held(thread: ThreadKind | undefined): void;
}

const LATE = labelValues('cloudbridge_bfd_late_beats_total', 'thread').map((thread) =>
  slotOf('cloudbridge_bfd_late_beats_total', { thread }),
);
const NOTHING = new Float64Array(Object.keys(Stat).length);

/** BFD of a process: its thread, the paths that clients have watched, and what is to be seen of them. */
export class BfdService {
  readonly #thread: BfdThread;
  readonly #clients: BfdClients;
  #heldBy: ThreadKind | undefined;
  #realtime = false;

  constructor(options: BfdThreadOptions, events: BfdServiceEvents) {
    this.#thread = new BfdThread(options, {
      gone: events.gone,
      held: (thread) => {
        this.#heldBy = thread;
        events.held(thread);
      },
    });
    this.#clients = new BfdClients(this.#thread);
  }

  /** When the thread runs: whether it goes before ordinary ones (SCHED_RR). @throws Error when it ended instead */
  async ready(): Promise<boolean> {
    this.#realtime = await this.#thread.ready;
    return this.#realtime;
  }

  /** Its counters (`telemetry/slots.ts`). */
  get slots(): Float64Array {
    return this.#thread.slots;
  }

  isAlive(): boolean {
    return this.#thread.isAlive();
  }

  /** Has a path watched. @throws BfdPathConflict where another client has it watched by other keys or hop limits */
  join(path: BfdPath, interest: BfdInterest): BfdClient {
    return this.#clients.join(path, interest);
  }

  /** For another thread, which makes `new BfdClients(new SeatedBfd(seat))` of it. */
  seat(): BfdSeat {
    return this.#thread.seat();
  }

  status(): BfdStatus {
    const now = nowUs();
    const paths = [...this.#clients.paths()].map(({ path: { local, remote }, stats = NOTHING, trouble }) => {
      const stat = (name: keyof typeof Stat): number => stats[Stat[name]] as number;
      return {
        ...{ local, remote },
        state: trouble === undefined ? (STATE_NAMES[stat('state')] ?? 'down') : ('unopened' as const),
        sinceSeconds: stats === NOTHING ? 0 : Math.round((now - stat('changedAtUs')) / 1e3) / 1e3,
        diagnostic: diagnosticText(stat('diagnostic')),
        remoteDiagnostic: diagnosticText(stat('remoteDiagnostic')),
        transmitMs: stat('transmitIntervalUs') / 1000,
        detectionMs: stat('detectionTimeUs') / 1000,
        failures: stat('fromUp'),
        ...(trouble !== undefined && { problem: trouble }),
      };
    });
    const late = LATE.reduce((sum, at) => sum + (this.#thread.slots[at] as number), 0);
    return { realtime: this.#realtime, ...(this.#heldBy && { heldBy: this.#heldBy }), late, paths };
  }

  /** Takes all sessions down administratively and ends the thread. */
  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
