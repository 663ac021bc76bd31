import {
  type CipherSuite,
  type CryptoPort,
  OpenOutcome,
  type PacketOpener,
  type PacketSealer,
  TAG_BYTES,
} from '../ports.ts';
import { Mixer, mix, wordsOf } from './mix.ts';

/**
 * Packet protection for tests and the simulator: the payload stays readable, a keyed checksum stands for the AEAD tag, and
 * the header is masked by a sample of it, so that whoever forgets a step is found out. Repeatable; not secure.
 */
export const testCryptoPort = (): CryptoPort => ({
  initialSecrets: (version, cid) => ({ client: mix('client', version, cid), server: mix('server', version, cid) }),
  sealer: (_version, suite, secret) => new TestSealer(suite, secret),
  opener: (_version, suite, secret) => new TestOpener(suite, secret),
  retryTag: (version, pseudoPacket) => mix('retry', version, pseudoPacket),
  resetToken: (key, cid) => mix('reset', key, cid),
  sealToken: (key, plain, associated) => {
    const token = new Uint8Array(plain.length + TAG_BYTES);
    token.set(plain);
    token.set(mix('token', key, plain, associated), plain.length);
    return token;
  },
  openToken: (key, token, associated) => {
    if (token.length < TAG_BYTES) return undefined;
    const plain = token.slice(0, token.length - TAG_BYTES);
    return equal(mix('token', key, plain, associated), token.subarray(plain.length)) ? plain : undefined;
  },
  equal,
});

const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
};

const nextSecret = (secret: Uint8Array): Uint8Array => mix('quic ku', secret);
const keyOf = (secret: Uint8Array): Int32Array => wordsOf(mix('quic key', secret));
const headerKeyOf = (secret: Uint8Array): Int32Array => wordsOf(mix('quic hp', secret));

/** Toggles the header's mask (RFC 9001 §5.4.1); the sample lies 4 bytes behind the start of the packet number. */
class HeaderMask {
  readonly #key: Int32Array;
  readonly #mixer = new Mixer();
  readonly bytes = new Uint8Array(16);

  constructor(secret: Uint8Array) {
    this.#key = headerKeyOf(secret);
  }

  sample(buffer: Uint8Array, at: number): void {
    this.#mixer.reset(this.#key);
    this.#mixer.bytes(buffer, at, at + 16);
    this.#mixer.digest(this.bytes, 0);
  }

  first(byte: number): number {
    return byte ^ ((this.bytes[0] as number) & (byte & 0x80 ? 0x0f : 0x1f));
  }

  number(buffer: Uint8Array, at: number, length: number): void {
    for (let i = 0; i < length; i++) buffer[at + i] = (buffer[at + i] as number) ^ (this.bytes[1 + i] as number);
  }
}

class TestSealer implements PacketSealer {
  readonly suite: CipherSuite;
  #secret: Uint8Array;
  #key: Int32Array;
  readonly #mask: HeaderMask;
  readonly #mixer = new Mixer();
  #closed = false;

  constructor(suite: CipherSuite, secret: Uint8Array) {
    this.suite = suite;
    this.#secret = secret.slice();
    this.#key = keyOf(secret);
    this.#mask = new HeaderMask(secret);
  }

  seal(buffer: Uint8Array, descriptors: Int32Array, packetNumbers: Float64Array, count: number): void {
    if (this.#closed) throw new Error('the sealer is closed');
    for (let i = 0; i < count; i++) {
      const at = descriptors[4 * i] as number;
      const header = descriptors[4 * i + 1] as number;
      const tag = at + header + (descriptors[4 * i + 2] as number);
      writeTag(this.#mixer, this.#key, packetNumbers[i] as number, buffer, at, tag);
      const numberBytes = ((buffer[at] as number) & 3) + 1;
      const numberAt = at + header - numberBytes;
      this.#mask.sample(buffer, numberAt + 4);
      buffer[at] = this.#mask.first(buffer[at] as number);
      this.#mask.number(buffer, numberAt, numberBytes);
    }
  }

  update(): void {
    this.#secret = nextSecret(this.#secret);
    this.#key = keyOf(this.#secret);
  }

  close(): void {
    this.#closed = true;
  }
}

const writeTag = (
  mixer: Mixer,
  key: Int32Array,
  packetNumber: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  out = buffer,
  outAt = end,
): void => {
  mixer.reset(key);
  mixer.word(packetNumber | 0);
  mixer.word(Math.floor(packetNumber / 0x1_0000_0000));
  mixer.bytes(buffer, start, end);
  mixer.digest(out, outAt);
};

class TestOpener implements PacketOpener {
  readonly suite: CipherSuite;
  #secret: Uint8Array;
  #current: Int32Array;
  #next: Int32Array;
  #previous: Int32Array | undefined;
  #phase = 0;
  #firstPacket = 0;
  readonly #mask: HeaderMask;
  readonly #mixer = new Mixer();
  readonly #tag = new Uint8Array(16);
  #closed = false;

  constructor(suite: CipherSuite, secret: Uint8Array) {
    this.suite = suite;
    this.#secret = secret.slice();
    this.#current = keyOf(secret);
    this.#next = keyOf(nextSecret(secret));
    this.#mask = new HeaderMask(secret);
  }

  open(
    buffer: Uint8Array,
    descriptors: Int32Array,
    packetNumbers: Float64Array,
    count: number,
    largest: number,
  ): number {
    if (this.#closed) throw new Error('the opener is closed');
    let authentic = 0;
    let expected = largest + 1;
    for (let i = 0; i < count; i++) {
      const outcome = this.#openOne(buffer, descriptors, packetNumbers, i, expected);
      descriptors[4 * i + 3] = outcome;
      if (outcome < 0) continue;
      authentic++;
      expected = Math.max(expected, (packetNumbers[i] as number) + 1);
    }
    return authentic;
  }

  #openOne(buffer: Uint8Array, d: Int32Array, packetNumbers: Float64Array, i: number, expected: number): number {
    const at = d[4 * i] as number;
    const numberAt = at + (d[4 * i + 1] as number);
    const end = at + (d[4 * i + 2] as number);
    if (numberAt + 4 + TAG_BYTES > end) return OpenOutcome.tooShort;
    this.#mask.sample(buffer, numberAt + 4);
    const masked = buffer[at] as number;
    const first = this.#mask.first(masked);
    const numberBytes = (first & 3) + 1;
    buffer[at] = first;
    this.#mask.number(buffer, numberAt, numberBytes);
    const packetNumber = decodePacketNumber(buffer, numberAt, numberBytes, expected);
    const outcome = this.#phaseOf(first, packetNumber);
    const key = outcome === OpenOutcome.next ? this.#next : outcome === 2 ? this.#previous : this.#current;
    writeTag(this.#mixer, key as Int32Array, packetNumber, buffer, at, end - TAG_BYTES, this.#tag, 0);
    if (!equal(this.#tag, buffer.subarray(end - TAG_BYTES, end))) return OpenOutcome.forged;
    packetNumbers[i] = packetNumber;
    d[4 * i + 1] = numberAt + numberBytes - at;
    d[4 * i + 2] = end - TAG_BYTES - numberAt - numberBytes;
    return outcome;
  }

  #phaseOf(first: number, packetNumber: number): number {
    if (first & 0x80 || ((first >> 2) & 1) === this.#phase) return OpenOutcome.current;
    const old = this.#previous !== undefined && packetNumber < this.#firstPacket;
    return old ? OpenOutcome.previous : OpenOutcome.next;
  }

  update(firstPacket: number): void {
    this.#previous = this.#current;
    this.#current = this.#next;
    this.#secret = nextSecret(this.#secret);
    this.#next = keyOf(nextSecret(this.#secret));
    this.#phase ^= 1;
    this.#firstPacket = firstPacket;
  }

  dropPrevious(): void {
    this.#previous = undefined;
  }

  close(): void {
    this.#closed = true;
  }
}

/** RFC 9000 §A.3 */
const decodePacketNumber = (buffer: Uint8Array, at: number, length: number, expected: number): number => {
  let truncated = 0;
  for (let i = 0; i < length; i++) truncated = truncated * 256 + (buffer[at + i] as number);
  const window = 2 ** (8 * length);
  const candidate = expected - (expected % window) + truncated;
  if (candidate <= expected - window / 2 && candidate < 2 ** 62 - window) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
};
