import type { Clock, ReceiveCredit } from './flow-control.ts';
import type { BlockPool } from './reassembly.ts';
import { ReceiveStream, type ReceiveTarget } from './receive-stream.ts';
import { SendStream } from './send-stream.ts';

/** Control frames that a stream owes; bits of `Stream.owed`. */
export const Owed = {
  resetStream: 1,
  stopSending: 2,
  maxStreamData: 4,
  streamDataBlocked: 8,
} as const;

/** Where the scheduler keeps a stream. */
export const Queue = { none: 0, ready: 1, parked: 2 } as const;
export type Queue = (typeof Queue)[keyof typeof Queue];

/** One stream: its two parts and its place in the lists. Used again for another stream when it is over. */
export class Stream {
  id = 0;
  readonly send: SendStream = new SendStream();
  readonly receive: ReceiveStream;
  hasSend = false;
  hasReceive = false;

  /** Level of the scheduler, 0 to 15. */
  level = 8;
  incremental = true;
  queue: Queue = Queue.none;
  previous: Stream | undefined;
  next: Stream | undefined;

  /** `Owed` bits, and whether it waits in the list of those who owe. */
  owed = 0;
  owes = false;
  /** It waits to be forgotten. */
  isFinished = false;

  constructor(credit: ReceiveCredit, clock: Clock, target: ReceiveTarget, pool: BlockPool) {
    this.receive = new ReceiveStream(credit, clock, target, pool);
  }

  get isTerminal(): boolean {
    return (!this.hasSend || this.send.isTerminal) && (!this.hasReceive || this.receive.isTerminal);
  }
}
