/** A thread with a seat: says when its path works and when it failed, and writes the latter down where others look. */
import { parentPort, workerData } from 'node:worker_threads';
import { nowUs } from '#host/clock/clock.ts';
import { BfdClients, type BfdPath } from '../clients.ts';
import { type BfdSeat, SeatedBfd } from '../seat.ts';
import { FAST } from './heard.ts';

export interface SeatedOrder {
  readonly seat: BfdSeat;
  readonly path: BfdPath;
  /** One Float64: when it failed. */
  readonly failedAt: SharedArrayBuffer;
}

const { seat, path, failedAt } = workerData as SeatedOrder;
const bfd = new SeatedBfd(seat);
const say = (text: string): void => parentPort?.postMessage(text);
new BfdClients(bfd).join(path, {
  timing: FAST,
  hasOwnLiveness: true,
  patienceUs: 0,
  told: (verdict) => {
    if (verdict === 'failed') new Float64Array(failedAt)[0] = nowUs();
    say(verdict);
  },
  refused: (message) => say(message),
  unopened: (message) => say(message),
});
parentPort?.once('message', () => {
  bfd.close();
  parentPort?.close();
});
