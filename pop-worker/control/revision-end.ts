import type { AppliedRevision } from './revisions.ts';

export interface RevisionEnd {
  /** Looks now: another revision is in force. */
  look(): void;
  stop(): void;
}

/** How often the clock is looked at; it may be set meanwhile, so no timer runs until the end itself. */
const LOOK_EVERY_MS = 30_000;

/**
 * Says of each revision once that its time is over, by this machine's clock; the worker goes on with it.
 *
 * @param applied the revision that is in force
 */
export const watchRevisionEnd = (
  applied: () => AppliedRevision | undefined,
  onError: (error: unknown) => void,
  everyMs = LOOK_EVERY_MS,
): RevisionEnd => {
  let told: bigint | undefined;
  const look = (): void => {
    const revision = applied();
    if (revision === undefined || revision.number === told || Date.now() < revision.expiresMs) return;
    told = revision.number;
    const ended = `revision ${told} ran out at ${new Date(revision.expiresMs).toISOString()}`;
    const clock = `it is ${new Date().toISOString()} by this worker's clock`;
    onError(
      new Error(
        `${ended} and ${clock}: see why the control plane sends no newer one, or set the clock; the worker goes on with it`,
      ),
    );
  };
  const timer = setInterval(look, everyMs).unref();
  return { look, stop: () => clearInterval(timer) };
};
