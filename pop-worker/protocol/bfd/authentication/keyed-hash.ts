import type { Random } from '../../contract.ts';
import { MANDATORY_BYTES } from '../packet.ts';
import {
  A_KEY,
  A_LENGTH,
  A_TYPE,
  type Authentication,
  equal,
  type Hash,
  type HashAlgorithm,
  type Key,
  keyOf,
} from './authentication.ts';

const A_RESERVED = 3;
const A_SEQUENCE = 4;
const A_HASH = 8;
/** The Length field is one byte. */
const MOST_PACKET_BYTES = 255;

/** What tells the four types with a hash from each other; each has its file. */
export interface HashType {
  readonly type: number;
  readonly algorithm: HashAlgorithm;
  readonly hashBytes: number;
  /** The sequence number grows with every packet, and none is taken twice. */
  readonly meticulous: boolean;
}

/** How far ahead of the last one a sequence number may be, in Detect Mults. */
const WINDOW = 3;

/**
 * A hash over packet and key (RFC 5880 §6.7.3, §6.7.4). The first key is what is sent with. The peer's sequence number is
 * believed once the hash is right, and not before, as the text has it: else a forgery would set it.
 */
export class KeyedHash implements Authentication {
  readonly bytes: number;
  readonly #type: HashType;
  readonly #keys: readonly Key[];
  readonly #current: Key;
  readonly #hash: Hash;
  readonly #scratch = new Uint8Array(MOST_PACKET_BYTES);
  /** bfd.XmitAuthSeq, bfd.RcvAuthSeq. */
  readonly #sequences = new Uint32Array(2);
  /** bfd.AuthSeqKnown. */
  #isKnown = false;

  constructor(type: HashType, keys: readonly [Key, ...Key[]], hash: Hash, random: Random) {
    this.#type = type;
    this.#keys = keys.map(({ id, secret }) => ({ id, secret: padded(secret, type.hashBytes) }));
    this.#current = this.#keys[0] as Key;
    this.#hash = hash;
    this.bytes = A_HASH + type.hashBytes;
    random.fill(new Uint8Array(this.#sequences.buffer, 0, 4));
  }

  seal(bytes: Uint8Array, at: number, changed: boolean): void {
    const { type, algorithm, meticulous } = this.#type;
    const section = at + MANDATORY_BYTES;
    // A typed array's element wraps by itself.
    if (meticulous || changed) (this.#sequences[0] as number)++;
    const sequence = this.#sequences[0] as number;
    bytes[section + A_TYPE] = type;
    bytes[section + A_LENGTH] = this.bytes;
    bytes[section + A_KEY] = this.#current.id;
    bytes[section + A_RESERVED] = 0;
    bytes[section + A_SEQUENCE] = sequence >>> 24;
    bytes[section + A_SEQUENCE + 1] = sequence >>> 16;
    bytes[section + A_SEQUENCE + 2] = sequence >>> 8;
    bytes[section + A_SEQUENCE + 3] = sequence;
    bytes.set(this.#current.secret, section + A_HASH);
    this.#hash.digest(algorithm, bytes, at, MANDATORY_BYTES + this.bytes, bytes, section + A_HASH);
  }

  open(bytes: Uint8Array, at: number, length: number, detectMult: number): boolean {
    const section = at + MANDATORY_BYTES;
    if (length < MANDATORY_BYTES + this.bytes || bytes[section + A_TYPE] !== this.#type.type) return false;
    const key = keyOf(this.#keys, bytes[section + A_KEY] as number);
    if (key === undefined || bytes[section + A_LENGTH] !== this.bytes) return false;
    const sequence =
      ((bytes[section + A_SEQUENCE] as number) << 24) |
      ((bytes[section + A_SEQUENCE + 1] as number) << 16) |
      ((bytes[section + A_SEQUENCE + 2] as number) << 8) |
      (bytes[section + A_SEQUENCE + 3] as number);
    if (!this.#isNext(sequence, detectMult) || !this.#isRight(bytes, at, length, key)) return false;
    this.#sequences[1] = sequence;
    this.#isKnown = true;
    return true;
  }

  forget(): void {
    this.#isKnown = false;
  }

  /** In a circle of 2^32. */
  #isNext(sequence: number, detectMult: number): boolean {
    if (!this.#isKnown) return true;
    const ahead = (sequence - (this.#sequences[1] as number)) >>> 0;
    return ahead <= WINDOW * detectMult && (ahead > 0 || !this.#type.meticulous);
  }

  #isRight(bytes: Uint8Array, at: number, length: number, key: Key): boolean {
    const { algorithm, hashBytes } = this.#type;
    const hashAt = MANDATORY_BYTES + A_HASH;
    const scratch = this.#scratch;
    for (let i = 0; i < length; i++) scratch[i] = bytes[at + i] as number;
    scratch.set(key.secret, hashAt);
    this.#hash.digest(algorithm, scratch, 0, length, scratch, hashAt);
    return equal(scratch, hashAt, bytes, at + hashAt, hashBytes);
  }
}

const padded = (secret: Uint8Array, bytes: number): Uint8Array => {
  const all = new Uint8Array(bytes);
  all.set(secret);
  return all;
};
