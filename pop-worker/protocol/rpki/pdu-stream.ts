import { HEADER_BYTES, lengthAt, MAX_PDU_BYTES } from './wire/pdu.ts';

const NOTHING = new Uint8Array(0);

/** Makes PDUs of what comes from TCP; keeps what there is of one that is not whole, at most the longest. */
export class PduStream {
  /** The PDU that is being looked at, or its header when its length is wrong. */
  current: Uint8Array = NOTHING;
  #kept: Uint8Array = NOTHING;

  /**
   * @param each is given one PDU after the other, and says whether more are wanted
   * @throws RtrError when no PDU is so long, or whatever `each` throws
   */
  take(bytes: Uint8Array, each: (buffer: Uint8Array, at: number, length: number) => boolean): void {
    let buffer = bytes;
    if (this.#kept.length > 0) {
      buffer = new Uint8Array(this.#kept.length + bytes.length);
      buffer.set(this.#kept);
      buffer.set(bytes, this.#kept.length);
      this.#kept = NOTHING;
    }
    let at = 0;
    while (buffer.length - at >= HEADER_BYTES) {
      this.current = buffer.subarray(at, at + HEADER_BYTES);
      const length = lengthAt(buffer, at);
      if (length > buffer.length - at) break;
      this.current = buffer.subarray(at, at + length);
      if (!each(buffer, at, length)) return;
      at += length;
    }
    if (at < buffer.length) this.#kept = buffer.slice(at, at + MAX_PDU_BYTES);
  }
}
