import type { Connection } from '#protocol/quic/connection.ts';
import { Pair, type PairOptions } from '#protocol/quic/testing/pair.ts';
import type { QlogFormat } from '../format/format.ts';
import { Recorded } from './recorded.ts';

/** A pair whose connections are all logged from their begin. */
export class LoggedPair {
  readonly pair: Pair;
  readonly logs = new Map<Connection, Recorded>();

  constructor(options: PairOptions = {}, format?: QlogFormat) {
    const pair: Pair = new Pair({
      ...options,
      observe: (connection) => {
        const recorded = new Recorded(connection, () => pair.now, format);
        this.logs.set(connection, recorded);
        return recorded.trace;
      },
    });
    this.pair = pair;
  }

  #log(isServer: boolean): Recorded {
    for (const [connection, recorded] of this.logs) if (connection.isServer === isServer) return recorded;
    throw new Error('there is no such connection');
  }

  get client(): Recorded {
    return this.#log(false);
  }

  get server(): Recorded {
    return this.#log(true);
  }
}
