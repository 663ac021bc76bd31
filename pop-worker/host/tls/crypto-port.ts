import {
  type CipherSuite,
  type CryptoPort,
  type PacketOpener,
  type PacketSealer,
  TAG_BYTES,
} from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import type { OpenerHandle, SealerHandle } from './native.ts';

/** V8 keeps up to 64 bytes on its heap; shown to native code, they move to memory of their own, which costs microseconds. */
const LENT_BYTES = 2048;
const lentBytes = [0, 1, 2].map(() => new Uint8Array(LENT_BYTES).subarray());

/** The same bytes in memory that is there for that, until the next call with this number. */
const lent = (index: 0 | 1, bytes: Uint8Array): Uint8Array => {
  if (bytes.length > LENT_BYTES) return bytes;
  const memory = lentBytes[index] as Uint8Array;
  memory.set(bytes);
  return memory.subarray(0, bytes.length);
};

/** …and wiped when the call is done. */
const lentSecret = (secret: Uint8Array, call: (memory: Uint8Array) => void): void => {
  const memory = lent(0, secret);
  try {
    call(memory);
  } finally {
    if (memory !== secret) memory.fill(0);
  }
};

/** Room for a result, until the next call. */
const room = (bytes: number): Uint8Array => (bytes > LENT_BYTES ? new Uint8Array(bytes) : (lentBytes[2] as Uint8Array));

/** Closed handles that serve again: one costs the engine and the garbage collector more than its keys do. */
const MOST_IDLE = 256;
const idleSealers: SealerHandle[] = [];
const idleOpeners: OpenerHandle[] = [];
/** What a closed sealer or opener has: all that is done with it throws `ERR_CLOSED`. */
const CLOSED_SEALER = native.sealerNew();
const CLOSED_OPENER = native.openerNew();

class OpensslSealer implements PacketSealer {
  readonly suite: CipherSuite;
  #handle = idleSealers.pop() ?? native.sealerNew();

  constructor(version: number, suite: CipherSuite, secret: Uint8Array) {
    this.suite = suite;
    lentSecret(secret, (memory) => native.sealerOpen(this.#handle, version, suite, memory));
  }

  seal(buffer: Uint8Array, descriptors: Int32Array, packetNumbers: Float64Array, count: number): void {
    native.sealerSeal(this.#handle, buffer, descriptors, packetNumbers, count);
  }

  update(): void {
    native.sealerUpdate(this.#handle);
  }

  close(): void {
    const handle = this.#handle;
    if (handle === CLOSED_SEALER) return;
    this.#handle = CLOSED_SEALER;
    native.sealerClose(handle);
    if (idleSealers.length < MOST_IDLE) idleSealers.push(handle);
  }
}

class OpensslOpener implements PacketOpener {
  readonly suite: CipherSuite;
  #handle = idleOpeners.pop() ?? native.openerNew();

  constructor(version: number, suite: CipherSuite, secret: Uint8Array) {
    this.suite = suite;
    lentSecret(secret, (memory) => native.openerOpen(this.#handle, version, suite, memory));
  }

  open(
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
    largest: number,
  ): number {
    return native.openerRun(this.#handle, buffer, descriptors, packetNumbers, count, largest);
  }

  update(firstPacket: number): void {
    native.openerUpdate(this.#handle, firstPacket);
  }

  dropPrevious(): void {
    native.openerDropPrevious(this.#handle);
  }

  close(): void {
    const handle = this.#handle;
    if (handle === CLOSED_OPENER) return;
    this.#handle = CLOSED_OPENER;
    native.openerClose(handle);
    if (idleOpeners.length < MOST_IDLE) idleOpeners.push(handle);
  }
}

/** RFC 9001 §5.2: of SHA-256. */
const INITIAL_SECRET_BYTES = 32;
/** RFC 9000 §10.3 */
const RESET_TOKEN_BYTES = 16;
/** Nonce and tag of a token. */
const TOKEN_OVERHEAD = 12 + TAG_BYTES;

/**
 * QUIC's cryptography by Node's own OpenSSL.
 *
 * - A descriptor that reaches outside of its buffer, a packet too short to be sampled, a packet number that is not exact
 *   or an unknown version or suite throw RangeError; in `seal` and `open` before any packet is touched.
 * - A packet that `open` reports as forged or too short has its bytes and descriptor words 0 to 2 as they came.
 * - Within one batch `open` counts on from the largest number that was authentic so far.
 * - Keys are wiped by `close`, at the latest when the sealer or opener is collected; used after `close`, it throws
 *   `ERR_CLOSED`.
 */
export const opensslCrypto: CryptoPort = {
  initialSecrets(version, destinationCid) {
    const secrets = room(2 * INITIAL_SECRET_BYTES);
    native.quicInitialSecrets(version, lent(0, destinationCid), secrets);
    return {
      client: secrets.slice(0, INITIAL_SECRET_BYTES),
      server: secrets.slice(INITIAL_SECRET_BYTES, 2 * INITIAL_SECRET_BYTES),
    };
  },
  sealer: (version, suite, secret) => new OpensslSealer(version, suite, secret),
  opener: (version, suite, secret) => new OpensslOpener(version, suite, secret),
  retryTag(version, pseudoPacket) {
    const tag = room(TAG_BYTES);
    native.quicRetryTag(version, lent(0, pseudoPacket), tag);
    return tag.slice(0, TAG_BYTES);
  },
  resetToken(key, cid) {
    const token = room(RESET_TOKEN_BYTES);
    native.quicResetToken(key, lent(0, cid), token);
    return token.slice(0, RESET_TOKEN_BYTES);
  },
  sealToken(key, plain, associated) {
    const token = room(plain.length + TOKEN_OVERHEAD);
    return token.slice(0, native.tokenSeal(key, lent(0, plain), lent(1, associated), token));
  },
  openToken: (key, token, associated) => native.tokenOpen(key, token, associated),
  equal: (a, b) => native.bytesEqual(a, b),
};
