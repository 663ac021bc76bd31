import { type QuicError, remoteError, TransportError } from '../errors.ts';

/**
 * A cursor over lent bytes: reads from `at`, never beyond `end`. Reused for each packet; reading allocates nothing.
 * What is missing is the peer's fault: FRAME_ENCODING_ERROR, or the code given to the constructor.
 */
export class Reader {
  buffer: Uint8Array = NOTHING;
  at = 0;
  end = 0;
  /** Type of the frame being read: an error raised meanwhile, here or by a sink, is about it (RFC 9000 §19.19). */
  frameType = 0;
  readonly #code: number;

  constructor(code: number = TransportError.frameEncodingError) {
    this.#code = code;
  }

  reset(buffer: Uint8Array, start: number, end: number): this {
    this.buffer = buffer;
    this.at = start;
    this.end = end;
    this.frameType = 0;
    return this;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  u8(): number {
    const at = this.at;
    if (at >= this.end) throw this.error('truncated');
    this.at = at + 1;
    return this.buffer[at] as number;
  }

  u16(): number {
    const at = this.skip(2);
    const buffer = this.buffer;
    return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
  }

  u32(): number {
    return u32At(this.buffer, this.skip(4));
  }

  /** Passes n bytes. @returns where they begin */
  skip(n: number): number {
    const at = this.at;
    if (n > this.end - at) throw this.error('truncated');
    this.at = at + n;
    return at;
  }

  /**
   * A variable-length integer (RFC 9000 §16). Exact up to 2^53-1; above, it is rounded up to a multiple of 512 (at most
   * 2^62), so that no value passes a limit that it exceeds.
   */
  varint(): number {
    const at = this.at;
    if (at >= this.end) throw this.error('truncated');
    const buffer = this.buffer;
    const first = buffer[at] as number;
    if (first < 0x40) {
      this.at = at + 1;
      return first;
    }
    if (first < 0x80) {
      this.skip(2);
      return ((first & 0x3f) << 8) | (buffer[at + 1] as number);
    }
    if (first < 0xc0) {
      this.skip(4);
      return u32At(buffer, at) & 0x3fff_ffff;
    }
    this.skip(8);
    const high = u32At(buffer, at) & 0x3fff_ffff;
    const low = u32At(buffer, at + 4);
    return high * 0x1_0000_0000 + (high < 0x20_0000 ? low : Math.ceil(low / 512) * 512);
  }

  /**
   * A stream ID: an integer whose low bits are exact, whatever its size (RFC 9000 §2.1). Streams are counted in doubles, so
   * that those beyond 2^53 are as good as the last ones of their kind below: no limit of ours ever allows either.
   */
  streamId(): number {
    const id = this.varint();
    return id <= Number.MAX_SAFE_INTEGER ? id : LAST_STREAM + ((this.buffer[this.at - 1] as number) & 3);
  }

  /** An error code, which may have to be written back (RFC 9000 §3.5): beyond 2^53 only nearly the same, but always one. */
  code(): number {
    return Math.min(this.varint(), LAST_CODE);
  }

  /** The error to throw for what was read: the peer's fault, with this reader's code and the current frame type. */
  error(message: string): QuicError {
    return remoteError(this.#code, message, this.frameType);
  }
}

export const u32At = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)) >>>
  0;

/** Of the four kinds of streams, the first one of the last four below 2^53. */
const LAST_STREAM = Number.MAX_SAFE_INTEGER - 3;

/** The largest double that fits a variable-length integer. */
const LAST_CODE = 2 ** 62 - 512;

const NOTHING = new Uint8Array(0);
