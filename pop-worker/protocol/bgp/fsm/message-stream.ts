import { checkHeader, HEADER_BYTES, MAX_MESSAGE_BYTES } from '../wire/header.ts';
import { type MessageSink, readMessages } from '../wire/messages.ts';

export interface StreamSink extends MessageSink {
  /** No message is wanted any more. */
  isOver(): boolean;
}

/**
 * Makes messages of what comes from TCP. Those that are whole in what came are read where they lie; of the last one, what
 * is there is kept, at most one message's bytes.
 */
export class MessageStream {
  /** Bytes of the largest message that is taken. */
  readonly #largest: number;
  #kept: Uint8Array = NOTHING;
  #length = 0;

  constructor(largest: number) {
    this.#largest = largest;
  }

  /**
   * @throws BgpError remote when a header is bad, or whatever the sink throws
   */
  take(bytes: Uint8Array, start: number, end: number, sink: StreamSink): void {
    let at = start;
    while (this.#length > 0 && at < end) {
      const more = Math.min(this.#wanted() - this.#length, end - at);
      this.#keep(bytes, at, at + more);
      at += more;
      const length = this.#length;
      if (length < HEADER_BYTES || length < this.#wanted()) continue;
      this.#length = 0;
      readMessages(this.#kept, 0, length, this.#largest, sink);
    }
    if (at === end || sink.isOver()) return;
    const stop = readMessages(bytes, at, end, this.#largest, sink);
    if (stop < end && !sink.isOver()) this.#keep(bytes, stop, end);
  }

  /** Bytes that the kept message has when it is whole, or those of a header. */
  #wanted(): number {
    return this.#length < HEADER_BYTES ? HEADER_BYTES : checkHeader(this.#kept, 0, this.#largest);
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#kept.length) {
      const longer = new Uint8Array(length > MAX_MESSAGE_BYTES ? this.#largest : MAX_MESSAGE_BYTES);
      longer.set(this.#kept.subarray(0, this.#length));
      this.#kept = longer;
    }
    this.#kept.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }
}

const NOTHING = new Uint8Array(0);
