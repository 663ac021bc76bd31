import type { WorkerCondition } from '../source.ts';

/** A worker that serves and did nothing yet. */
export const SERVING: WorkerCondition = {
  state: 'ready',
  healthy: true,
  localOrder: 'serve',
  packetsUp: 0n,
  packetsDown: 0n,
  packetsDropped: 0n,
};
