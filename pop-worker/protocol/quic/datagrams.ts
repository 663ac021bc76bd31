/** Outgoing DATAGRAM payloads, bounded; a full queue refuses (RFC 9221 §5.4 lets us drop, the caller knows better what). */
export class DatagramQueue {
  /** Payloads refused because the queue was full. */
  refused = 0;
  /** @param capacityBytes size of the ring, made at the first push @param maxCount payloads held at most */
  constructor(_capacityBytes?: number, _maxCount?: number) {
    throw new Error('not yet');
  }
  /** Payloads waiting. */
  get count(): number {
    throw new Error('not yet');
  }
  /** The largest payload that `push` would take now. */
  get roomBytes(): number {
    throw new Error('not yet');
  }
  /** Copies buffer[start, end). @returns `false` when there is no room */
  push(_buffer: Uint8Array, _start: number, _end: number): boolean {
    throw new Error('not yet');
  }
  /** Length of the first payload, -1 when there is none. */
  peekLength(): number {
    throw new Error('not yet');
  }
  /** Moves the first payload to buffer[at…]. @returns the offset behind it */
  popInto(_buffer: Uint8Array, _at: number): number {
    throw new Error('not yet');
  }
  /** Drops the first payload (it fits no packet any more). */
  drop(): void {
    throw new Error('not yet');
  }
}
