import type { TestContext } from 'node:test';
import { State } from '#protocol/bfd/state.ts';
import type { BfdThread, BfdThreadOptions } from '../bfd-thread.ts';
import type { BfdSessionConfig } from '../setup.ts';
import { FAST, Heard, startThread, until } from './heard.ts';
import { type LinkEnd, testLink } from './link.ts';

/** Two BFD threads with a session over a link, Up at 3 times 50 ms. */
export interface ThreadPair {
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly threads: readonly [ReturnType<typeof startThread>, BfdThread];
  readonly mine: Heard;
  readonly theirs: Heard;
}

/** @param options of the first thread @param config of both sessions */
export const startPair = async (
  t: TestContext,
  options: Partial<BfdThreadOptions> = {},
  config: Partial<BfdSessionConfig> = {},
): Promise<ThreadPair> => {
  const ends = testLink(t);
  const [a, b] = ends;
  const threads = [startThread(t, { namespace: a.path, ...options }), startThread(t, { namespace: b.path })] as const;
  await Promise.all(threads.map(({ ready }) => ready));
  const mine = new Heard(threads[0], { ...FAST, local: a.address4, remote: b.address4, ...config });
  const theirs = new Heard(threads[1], { ...FAST, local: b.address4, remote: a.address4, ...config });
  await Promise.all([mine.up(), theirs.up()]);
  await until('both go fast', () =>
    [mine, theirs].every(
      (heard) =>
        heard.stat('detectionTimeUs') === FAST.detectMult * FAST.requiredMinRxUs &&
        heard.changes.at(-1)?.to === State.up,
    ),
  );
  return { ends, threads, mine, theirs };
};
