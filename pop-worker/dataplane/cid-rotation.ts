import type { Connection } from '#protocol/quic/connection.ts';
import type { CidKey, RoutableCids } from './exchange/cids.ts';

/** Connections that cannot change at present - still in their handshake, say - are looked at again after so long. */
const AGAIN_MS = 1000;

interface RotationParts {
  readonly cids: Pick<RoutableCids, 'rotate'>;
  readonly endpoint: { forEach(each: (connection: Connection) => void): void };
  /** Sends what is due. */
  readonly run: () => void;
}

/** Moves the connections of a thread to connection IDs of another key (draft-ietf-quic-load-balancers-21 §3.1). */
export class CidRotation {
  readonly #parts: RotationParts;
  #waiting: ReadonlySet<Connection> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RotationParts) {
    this.#parts = parts;
  }

  /**
   * New ones are made by the first of these keys from now on, and none is made by another: where that one is new, clients are
   * asked to retire all that they have.
   *
   * @throws RangeError: one sentence, and nothing changes
   */
  rotate(keys: readonly CidKey[]): void {
    const { cids, endpoint } = this.#parts;
    if (!cids.rotate(keys)) return;
    const all = new Set<Connection>();
    endpoint.forEach((connection) => {
      all.add(connection);
    });
    this.#waiting = all;
    this.#replace();
  }

  #replace(): void {
    const { endpoint, run } = this.#parts;
    const waiting = new Set<Connection>();
    // Those that are over are not among them any more.
    endpoint.forEach((connection) => {
      if (this.#waiting.has(connection) && !connection.replaceCids()) waiting.add(connection);
    });
    this.#waiting = waiting;
    clearTimeout(this.#timer);
    if (waiting.size > 0) this.#timer = setTimeout(() => this.#replace(), AGAIN_MS).unref();
    run();
  }
}
