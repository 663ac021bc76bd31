import { Beat } from '#pop-worker/routing/bfd/beat.ts';
import type { BfdSeat } from '#pop-worker/routing/bfd/seat.ts';
import { BfdService, type BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { BfdSettings } from './bfd-settings.ts';
import { type ChecksSettings, watchedData, watchedSlow } from './checks-settings.ts';

export interface WorkerBfdParts {
  readonly settings: BfdSettings;
  readonly checks: ChecksSettings;
  readonly sessions: readonly BfdSessionConfig[];
  /** Of the data-plane threads. */
  readonly dataBeats: readonly SharedArrayBuffer[];
  /** Of the BGP thread, where there is to be one. */
  readonly bgpBeat: SharedArrayBuffer | undefined;
  readonly log: Logger;
  /** The thread ended by itself; one sentence. */
  readonly gone: (reason: string) => void;
}

/** The worker's BFD: neighbours of its file, with the threads whose work they rely on. */
export class WorkerBfd {
  readonly #beat = new Beat();
  readonly #service: BfdService;
  readonly #sessions: readonly BfdSessionConfig[];
  readonly #log: Logger;

  constructor({ settings: { priority }, checks, sessions, dataBeats, bgpBeat, log, gone }: WorkerBfdParts) {
    this.#sessions = sessions;
    this.#log = log;
    const watched = [
      watchedSlow('main', this.#beat.buffer, checks),
      // While it is stuck nothing can be withdrawn, whatever check fails.
      ...(bgpBeat === undefined ? [] : [watchedSlow('bgp', bgpBeat, checks)]),
      ...watchedData(dataBeats, checks),
    ];
    this.#service = new BfdService(
      { watched, priority },
      {
        gone,
        held: (thread) => {
          if (thread === undefined) log.info('BFD goes on: all threads beat again');
          else log.error('BFD has all sessions down: a thread is stuck', { thread });
        },
      },
    );
  }

  /** Sends to all neighbours from now on. @throws Error when there is no thread */
  async start(): Promise<void> {
    if (!(await this.#service.ready())) {
      this.#log.warn('doing without a feature of the machine', { feature: 'bfd_realtime' });
    }
    for (const { desiredMinTxUs, requiredMinRxUs, detectMult, ...path } of this.#sessions) {
      const neighbour = path.remote;
      this.#service.join(path, {
        timing: { desiredMinTxUs, requiredMinRxUs, detectMult },
        // Nobody here depends on it: the neighbour does.
        ...{ hasOwnLiveness: false, patienceUs: 0 },
        told: (verdict) => this.#log.info('BFD', { neighbour, path: verdict }),
        refused: (reason) => this.#log.error('a BFD session is refused', { neighbour, reason }),
        unopened: (reason) => this.#log.warn('a BFD session waits', { neighbour, reason }),
      });
    }
  }

  get slots(): Float64Array {
    return this.#service.slots;
  }

  /** For the BGP thread. */
  seat(): BfdSeat {
    return this.#service.seat();
  }

  isAlive(): boolean {
    return this.#service.isAlive();
  }

  status(): BfdStatus {
    return this.#service.status();
  }

  /** Tells neighbours that it is over (AdminDown). */
  async stop(): Promise<void> {
    await this.#service.stop();
    this.#beat.close();
  }
}
