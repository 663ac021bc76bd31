import { remoteError, TransportError } from '../errors.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import type { FrameLog } from '../streams/frame-log.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { retireConnectionIdLength, writeRetireConnectionId } from '../wire/frames/retire-connection-id.ts';

interface Retirement {
  readonly sequence: number;
  pending: boolean;
}

/**
 * RETIRE_CONNECTION_ID frames that we owe: queued, on their way, or lost. At most 4 × `activeLimit` (at least 16) that the
 * peer has not acknowledged, beyond which the connection closes (RFC 9000 §5.1.2 asks for at least twice the limit).
 */
export class Retirements {
  readonly #max: number;
  readonly #owed: Retirement[] = [];

  /** @param activeLimit our active_connection_id_limit */
  constructor(activeLimit: number) {
    this.#max = Math.max(16, 4 * activeLimit);
  }

  has(sequence: number): boolean {
    return this.#owed.some((entry) => entry.sequence === sequence);
  }

  /** @throws QuicError remote: it lets us owe too many */
  add(sequence: number): void {
    this.#owed.push({ sequence, pending: true });
    if (this.#owed.length > this.#max) {
      throw remoteError(TransportError.connectionIdLimitError, 'too many retirements owed', FrameType.newConnectionId);
    }
  }

  get pending(): boolean {
    return this.#owed.some((entry) => entry.pending);
  }

  /** As many as fit. @returns the offset behind them */
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    let next = at;
    for (const entry of this.#owed) {
      if (!entry.pending) continue;
      if (retireConnectionIdLength(entry.sequence) > end - next) break;
      next = writeRetireConnectionId(buffer, next, entry.sequence);
      entry.pending = false;
      log.frame(FrameKind.retireConnectionId, entry.sequence, 0, 0);
    }
    return next;
  }

  frameAcked(sequence: number): void {
    const i = this.#owed.findIndex((entry) => entry.sequence === sequence);
    if (i >= 0) this.#owed.splice(i, 1);
  }

  frameLost(sequence: number): void {
    const entry = this.#owed.find((candidate) => candidate.sequence === sequence);
    if (entry !== undefined) entry.pending = true;
  }
}
