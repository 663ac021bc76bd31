import type { Health } from '../balance/wanted.ts';
import type { BackendHealth } from './backend-health.ts';

/** Of a backend, what its service is judged by. */
export interface Judged {
  readonly health: Pick<BackendHealth, 'state'>;
  readonly isDraining: boolean;
}

export interface Judgement<Backend> {
  readonly of: ReadonlyMap<Backend, Health>;
  /** Nobody is well, so that all are used. */
  readonly isPanicking: boolean;
}

const isTrusted = ({ health: { state } }: Judged): boolean => state === 'up' || state === 'unknown';
const isHeld = ({ health: { state } }: Judged): boolean => state === 'held';

const judgementOf = <Backend>(backends: readonly Backend[], isUsed: (backend: Backend) => boolean) =>
  new Map(backends.map((backend) => [backend, isUsed(backend) ? 'up' : 'down'] as const));

/**
 * Who of a service's backends is used: those that are up or not known yet; where new connections would find nobody among them,
 * those that are held, too; and where these are none either, all: checks that fail everywhere more often say something of
 * checks, and a backend that may be dead is no worse than none.
 */
export const judge = <Backend extends Judged>(backends: readonly Backend[]): Judgement<Backend> => {
  const taking = backends.filter(({ isDraining }) => !isDraining);
  const needed = taking.length > 0 ? taking : backends;
  if (needed.some(isTrusted)) return { of: judgementOf(backends, isTrusted), isPanicking: false };
  if (needed.some(isHeld))
    return { of: judgementOf(backends, (one) => isTrusted(one) || isHeld(one)), isPanicking: false };
  return { of: judgementOf(backends, () => true), isPanicking: backends.length > 0 };
};
