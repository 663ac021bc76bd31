import { sipHash } from './siphash.ts';

/** OPTION-CODE of cookies (RFC 7873). */
export const COOKIE = 10;

export const CLIENT_COOKIE_BYTES = 8;
/** Ours; those of others have up to 32 (RFC 7873). */
const SERVER_COOKIE_BYTES = 16;
const LEAST_SERVER_BYTES = 8;
const MOST_SERVER_BYTES = 32;
export const COOKIE_BYTES = CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES;

/** The layout of RFC 9018: version, three bytes of nothing, the time, the hash. */
const VERSION = 1;
const TIME_AT = CLIENT_COOKIE_BYTES + 4;
const HASH_AT = TIME_AT + 4;
/** How old a cookie may be, and how far ahead of our clock, in seconds (RFC 9018). */
const MOST_AGE_SECONDS = 3600;
const MOST_AHEAD_SECONDS = 300;

/** What a query's cookie shows. */
export type CookieState =
  | 'none'
  /** The client has a cookie of its own, and none of ours that is good. */
  | 'client'
  /** It has been told ours: the query comes from where it says. */
  | 'valid';

/** Whether an option's data can be a cookie (RFC 7873): a client's, or that and a server's. */
export const isCookie = (length: number): boolean =>
  length === CLIENT_COOKIE_BYTES ||
  (length >= CLIENT_COOKIE_BYTES + LEAST_SERVER_BYTES && length <= CLIENT_COOKIE_BYTES + MOST_SERVER_BYTES);

/** Makes and judges cookies. All servers behind one address have to have one secret. */
export class Cookies {
  readonly #secret: Uint8Array;
  /** Client cookie, version, time, and the client's address. */
  readonly #input = new Uint8Array(HASH_AT + 16);
  readonly #hash = new Uint8Array(8);
  /** Seconds since 1970; whoever has a clock sets it. */
  nowSeconds = 0;

  /** @param secret 16 bytes */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** @param from address of the client, 4 or 16 bytes */
  judge(bytes: Uint8Array, at: number, length: number, from: Uint8Array): CookieState {
    if (length !== COOKIE_BYTES || bytes[at + CLIENT_COOKIE_BYTES] !== VERSION) return 'client';
    const age = (this.nowSeconds - readU32(bytes, at + TIME_AT)) | 0;
    if (age > MOST_AGE_SECONDS || age < -MOST_AHEAD_SECONDS) return 'client';
    this.#input.set(bytes.subarray(at, at + HASH_AT));
    this.#digest(from);
    let difference = 0;
    for (let i = 0; i < this.#hash.length; i++) {
      difference |= (this.#hash[i] as number) ^ (bytes[at + HASH_AT + i] as number);
    }
    return difference === 0 ? 'valid' : 'client';
  }

  /** Writes the client's cookie from `bytes` and a new one of ours: `COOKIE_BYTES`. */
  write(out: Uint8Array, outAt: number, bytes: Uint8Array, at: number, from: Uint8Array): void {
    const input = this.#input;
    input.set(bytes.subarray(at, at + CLIENT_COOKIE_BYTES));
    input.fill(0, CLIENT_COOKIE_BYTES, TIME_AT);
    input[CLIENT_COOKIE_BYTES] = VERSION;
    for (let i = 0; i < 4; i++) input[TIME_AT + i] = this.nowSeconds >>> (24 - 8 * i);
    this.#digest(from);
    out.set(input.subarray(0, HASH_AT), outAt);
    out.set(this.#hash, outAt + HASH_AT);
  }

  #digest(from: Uint8Array): void {
    this.#input.set(from, HASH_AT);
    sipHash(this.#secret, this.#input, HASH_AT + from.length, this.#hash, 0);
  }
}

const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);
