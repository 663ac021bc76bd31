import { Beat } from '#pop-worker/routing/bfd/beat.ts';
import { BfdService } from '#pop-worker/routing/bfd/service.ts';
import type { BgpNeighbourConfig } from '#pop-worker/routing/bgp/setup.ts';
import type { Logger } from '#telemetry/logger.ts';

/** Before ordinary threads, behind those of the system. */
const PRIORITY = 10;
/** It may collect garbage; the speaker has a thread of its own. */
const MAIN_LIMIT_MS = 2000;
/** Where it waits for a core. */
const MAIN_LATE_MS = 10_000;

/** BFD beside a speaker that runs by itself. */
export interface SpeakerBfd {
  readonly service: BfdService;
  /** @throws Error when the thread cannot start */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts BFD when a neighbour wants it. @param gone told why, should its thread end by itself */
export const startBfd = (
  neighbours: readonly BgpNeighbourConfig[],
  log: Logger,
  gone: (reason: string) => void,
): SpeakerBfd | undefined => {
  if (neighbours.every(({ bfd }) => bfd === undefined)) return undefined;
  const beat = new Beat();
  const watched = [{ thread: 'main' as const, beat: beat.buffer, limitMs: MAIN_LIMIT_MS, lateMs: MAIN_LATE_MS }];
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
    stop: async () => {
      await service.stop();
      beat.close();
    },
  };
};
