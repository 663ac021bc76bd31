/** How much may be written, and what came of it; one of each process thread. */
export interface QlogLimits {
  /** Connections that are logged at the same time. */
  readonly connections: number;
  /** Of one connection; the last record says what did not fit, and stands beyond it. */
  readonly connectionBytes: number;
  /** Of all together. */
  readonly totalBytes: number;
}

/** Records that wait for the file system, at most: a disk that hangs holds no more than this. */
export const MAX_BACKLOG_BYTES = 4 << 20;

/** Only growing. */
export const qlogCounters = () => ({
  bytes: 0,
  /** Records by what became of them. */
  records: { written: 0, connection_full: 0, total_full: 0, backlog: 0, failed: 0 },
  /** Connections that were to be logged and are not. */
  unlogged: { too_many: 0, total_full: 0, failed: 0 },
});
export type QlogCounters = ReturnType<typeof qlogCounters>;

/** What all files of a thread share. */
export class QlogBudget {
  readonly limits: QlogLimits;
  readonly counters: QlogCounters;
  #taken = 0;
  #waiting = 0;

  constructor(limits: QlogLimits, counters: QlogCounters) {
    this.limits = limits;
    this.counters = counters;
  }

  get isSpent(): boolean {
    return this.#taken >= this.limits.totalBytes;
  }

  /** @param before bytes of the same connection @returns why not, undefined when it may be written */
  refusal(before: number, bytes: number): 'connection_full' | 'total_full' | 'backlog' | undefined {
    if (before + bytes > this.limits.connectionBytes) return 'connection_full';
    if (this.#taken + bytes > this.limits.totalBytes) return 'total_full';
    return this.#waiting + bytes > MAX_BACKLOG_BYTES ? 'backlog' : undefined;
  }

  take(bytes: number): void {
    this.#taken += bytes;
    this.#waiting += bytes;
  }

  /** They are written, or never will be. */
  settle(bytes: number): void {
    this.#waiting -= bytes;
  }
}
