import type { Point } from './geography.ts';

/** What a worker has of a device. */
export interface Session {
  isSettled: boolean;
  /** When the device answered here for the last time: then it began another one. */
  leftAt: number;
}

/** A device, or somebody with one. */
export interface Client {
  readonly index: number;
  readonly key: string;
  readonly at: Point;
  readonly region: number;
  /** Where the network leads its packets; 0: nowhere. */
  route: number;
  /** When that changed. */
  reroutedAt: number;
  /** Which worker its connection is of, and the one before; 0: none yet. */
  session: number;
  arrivedAt: number;
  before: number;
  epoch: number;
  isResuming: boolean;
  /** The connection ID that its packets carry. */
  cid: Uint8Array;
  /** Workers that have a session of it. */
  readonly holders: Map<number, Session>;
}
