import type { TimeUs } from '../../contract.ts';
import type { EndpointConfig } from '../config.ts';
import type { CryptoPort } from '../ports.ts';
import { Version } from '../wire/packet/version.ts';
import { writeU32 } from '../wire/varint.ts';
import { UsedTokens } from './used-tokens.ts';

const KIND = { retry: 1, newToken: 2 } as const;
const TIME_BYTES = 8;
const NONCE_BYTES = 8;

/** What a token tells (RFC 9000 §8.1). */
export type TokenVerdict =
  /** Not ours, or nothing can be made of it: as if there was none. */
  | { readonly kind: 'none' }
  /** It was of NEW_TOKEN, and used before: as if there was none. */
  | { readonly kind: 'replayed' }
  /** It is of a Retry, but expired or for somebody else: the handshake cannot succeed. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'retry'; readonly originalDcid: Uint8Array }
  | { readonly kind: 'new-token' };

/**
 * Address validation tokens, sealed: kind, time, and for Retry the original Destination Connection ID. Bound by associated
 * data: Retry to address and port and the connection ID that we chose, NEW_TOKEN to the IP address only (§8.1.3). A Retry
 * token names one connection of ours, so that within its life it opens one connection; one of NEW_TOKEN is good once, as far
 * as this endpoint remembers (`UsedTokens`).
 */
export class Tokens {
  readonly #crypto: CryptoPort;
  readonly #key: Uint8Array;
  readonly #config: EndpointConfig;
  readonly #used = new UsedTokens();

  constructor(crypto: CryptoPort, key: Uint8Array, config: EndpointConfig) {
    this.#crypto = crypto;
    this.#key = key;
    this.#config = config;
  }

  /** @param scid the connection ID that the client is to use from now on @param version of its Initial packet */
  retry(
    remote: Int32Array,
    at: number,
    scid: Uint8Array,
    originalDcid: Uint8Array,
    now: TimeUs,
    version: number = Version.v1,
  ): Uint8Array {
    const plain = new Uint8Array(TIME_BYTES + originalDcid.length);
    writeTime(plain, now + this.#config.tokenTimeOffsetUs);
    plain.set(originalDcid, TIME_BYTES);
    return this.#seal(KIND.retry, plain, binding(KIND.retry, remote, at, scid, version));
  }

  /** @param nonce makes tokens of one client differ (§8.1.3), 8 bytes @param version in which the connection goes on */
  newToken(remote: Int32Array, at: number, nonce: Uint8Array, now: TimeUs, version: number = Version.v1): Uint8Array {
    const plain = new Uint8Array(TIME_BYTES + NONCE_BYTES);
    writeTime(plain, now + this.#config.tokenTimeOffsetUs);
    plain.set(nonce, TIME_BYTES);
    return this.#seal(KIND.newToken, plain, binding(KIND.newToken, remote, at, NOTHING, version));
  }

  /** @param dcid Destination Connection ID of the Initial that carries it @param version of that packet */
  verify(
    token: Uint8Array,
    remote: Int32Array,
    at: number,
    dcid: Uint8Array,
    now: TimeUs,
    version: number = Version.v1,
  ): TokenVerdict {
    const kind = token[0];
    const sealed = token.subarray(1);
    if (kind === KIND.retry) {
      const plain = this.#crypto.openToken(this.#key, sealed, binding(KIND.retry, remote, at, dcid, version));
      if (plain === undefined || this.#isOld(plain, now, this.#config.retryTokenUs)) return { kind: 'invalid' };
      return { kind: 'retry', originalDcid: plain.slice(TIME_BYTES) };
    }
    if (kind !== KIND.newToken) return { kind: 'none' };
    const plain = this.#crypto.openToken(this.#key, sealed, binding(KIND.newToken, remote, at, NOTHING, version));
    if (plain === undefined || this.#isOld(plain, now, this.#config.newTokenUs)) return { kind: 'none' };
    return { kind: this.#used.use(plain.subarray(TIME_BYTES)) ? 'new-token' : 'replayed' };
  }

  #seal(kind: number, plain: Uint8Array, associated: Uint8Array): Uint8Array {
    const sealed = this.#crypto.sealToken(this.#key, plain, associated);
    const token = new Uint8Array(1 + sealed.length);
    token[0] = kind;
    token.set(sealed, 1);
    return token;
  }

  #isOld(plain: Uint8Array, now: TimeUs, lifeUs: number): boolean {
    const age = now + this.#config.tokenTimeOffsetUs - readTime(plain);
    return plain.length < TIME_BYTES || age > lifeUs || age < -lifeUs;
  }
}

const NOTHING = new Uint8Array();

/** Kind, family, address, version (RFC 9369 §5), and for Retry port and connection ID. */
const binding = (kind: number, remote: Int32Array, at: number, cid: Uint8Array, version: number): Uint8Array => {
  const bytes = new Uint8Array(24 + cid.length);
  const family = remote[at] as number;
  bytes[0] = kind;
  bytes[1] = family;
  if (kind === KIND.retry) bytes.set([family >>> 16, family >>> 24], 2);
  for (let word = 0; word < 4; word++) {
    const value = remote[at + 2 + word] as number;
    for (let i = 0; i < 4; i++) bytes[4 + 4 * word + i] = value >>> (8 * i);
  }
  writeU32(bytes, 20, version);
  bytes.set(cid, 24);
  return bytes;
};

const writeTime = (bytes: Uint8Array, time: TimeUs): void => {
  let rest = Math.max(0, Math.floor(time));
  for (let i = TIME_BYTES - 1; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
};

const readTime = (bytes: Uint8Array): TimeUs => {
  let time = 0;
  for (let i = 0; i < TIME_BYTES; i++) time = time * 256 + (bytes[i] ?? 0);
  return time;
};
