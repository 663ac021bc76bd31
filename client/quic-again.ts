import type { Dialer } from './dialer.ts';
import { ConnectFailure } from './failure.ts';
import type { DialTarget, Link } from './link.ts';
import type { After, Race } from './race.ts';

/** How often one who is connected by TCP looks whether QUIC gets through. */
const QUIC_AGAIN_US = 300_000_000;

/** One who is connected by TCP for want of QUIC changes over once that gets through. @returns ends it */
export const lookForQuic = <L extends Link>(
  dialer: Dialer<L>,
  after: After,
  target: DialTarget,
  found: () => void,
): (() => void) => {
  let race: Race<L> | undefined;
  let isOver = false;
  let cancel = (): void => {};
  const look = async (): Promise<void> => {
    race = dialer.race(dialer.targets(target.server, [target.address], 'quic', target.cautious));
    const result = await race.result;
    race = undefined;
    if (!(result instanceof ConnectFailure)) result.link?.close();
    if (isOver) return;
    if (result instanceof ConnectFailure) plan();
    else found();
  };
  const plan = (): void => {
    cancel = after(QUIC_AGAIN_US, () => void look());
  };
  plan();
  return () => {
    isOver = true;
    cancel();
    race?.cancel();
  };
};
