import { BfdThread } from '#pop-worker/routing/bfd/bfd-thread.ts';
import { State } from '#protocol/bfd/state.ts';
import type { Arguments } from './arguments.ts';
import { fail, ready } from './lines.ts';

const INTERVAL_US = 50_000;

/** A BFD session at 3 times 50 ms from `--address` to `--target`, until it is ended; ready once it is Up. */
export const bfdEndpoint = ({ address, target }: Arguments): void => {
  const thread = new BfdThread({ watched: [], priority: 10 }, { gone: fail, held: () => {} });
  const timing = { desiredMinTxUs: INTERVAL_US, requiredMinRxUs: INTERVAL_US, detectMult: 3 };
  thread.open(
    { ...timing, local: address, remote: target, multiHop: false },
    {
      changed: ({ to }) => {
        if (to === State.up) ready(address);
      },
      refused: fail,
      unopened: fail,
    },
  );
};
