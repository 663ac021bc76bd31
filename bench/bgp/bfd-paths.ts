import { setTimeout as wait } from 'node:timers/promises';
import { BfdThread } from '#pop-worker/routing/bfd/bfd-thread.ts';
import type { ThreadSession } from '#pop-worker/routing/bfd/thread-session.ts';
import { State } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';

const MULTIPLIER = 3;
const PRIORITY = 10;
const LIMIT_MS = 20_000;
const LOOK_MS = 10;
/** The other end goes over to short intervals once it is Up (RFC 5880 §6.8.3). */
const POLLING_MS = 3000;

/** Paths from neighbours to the router, each with a session of BFD. */
export interface Paths {
  close(): void;
}

/** Sessions of single-hop BFD with the router; resolves when all are Up. @throws Error when they do not come Up in time */
export const watchPaths = async (
  from: readonly { readonly address: string }[],
  router: string,
  intervalMs: number,
): Promise<Paths> => {
  let failure: string | undefined;
  const fail = (reason: string): void => {
    failure ??= reason;
  };
  const thread = new BfdThread({ watched: [], priority: PRIORITY }, { gone: fail, held: () => {} });
  await thread.ready;
  const timing = { desiredMinTxUs: intervalMs * 1000, requiredMinRxUs: intervalMs * 1000, detectMult: MULTIPLIER };
  const sessions = from.map(({ address }) =>
    thread.open(
      { ...timing, local: address, remote: router, multiHop: false },
      { changed: () => {}, refused: fail, unopened: fail },
    ),
  );
  const isUp = ({ stats }: ThreadSession): boolean => stats?.[Stat.state] === State.up;
  for (const end = performance.now() + LIMIT_MS; !sessions.every(isUp); ) {
    if (failure !== undefined) throw new Error(failure);
    if (performance.now() > end) throw new Error('BFD did not come Up');
    await wait(LOOK_MS);
  }
  await wait(POLLING_MS);
  return { close: () => void thread.stop() };
};
