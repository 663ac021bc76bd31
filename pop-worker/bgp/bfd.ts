import { BfdService } from '#pop-worker/routing/bfd/service.ts';
import type { BgpNeighbourConfig } from '#pop-worker/routing/bgp/setup.ts';
import type { Logger } from '#telemetry/logger.ts';

/** Before ordinary threads, behind those of the system. */
const PRIORITY = 10;
/** So many times as long the BGP thread may be silent where it waits for a core. */
const LATE = 5;

/** BFD beside a speaker that runs by itself. */
export interface SpeakerBfd {
  readonly service: BfdService;
  /** @throws Error when the thread cannot start */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts BFD when a neighbour wants it. All sessions are Down while the BGP thread is stuck, for then routes of ours are
 * announced that nobody can take back; what the main thread does matters to no neighbour, and it is not watched.
 *
 * @param beat of the BGP thread @param stuckMs for which it may be silent @param gone told why, should BFD's thread end by itself
 */
export const startBfd = (
  neighbours: readonly BgpNeighbourConfig[],
  beat: SharedArrayBuffer,
  stuckMs: number,
  log: Logger,
  gone: (reason: string) => void,
): SpeakerBfd | undefined => {
  if (neighbours.every(({ bfd }) => bfd === undefined)) return undefined;
  const watched = [{ thread: 'bgp' as const, beat, limitMs: stuckMs, lateMs: LATE * stuckMs }];
  const service = new BfdService(
    { watched, priority: PRIORITY },
    {
      gone,
      held: (thread) => {
        if (thread === undefined) log.info('BFD goes on: all threads beat again');
        else log.error('BFD has all sessions down: a thread is stuck', { thread });
      },
    },
  );
  return {
    service,
    ready: async () => {
      if (!(await service.ready())) log.warn('doing without a feature of the machine', { feature: 'bfd_realtime' });
    },
    stop: () => service.stop(),
  };
};
