import { MANDATORY_BYTES } from '../packet.ts';
import { A_KEY, A_LENGTH, A_TYPE, type Authentication, equal, type Key, keyOf } from './authentication.ts';

export const SIMPLE_PASSWORD = 1;
const HEADER_BYTES = 3;
export const MOST_PASSWORD_BYTES = 16;

/** Passwords in the clear (RFC 5880 §6.7.2): they keep mistakes out, not attackers. The first one is what is sent. */
export class SimplePassword implements Authentication {
  readonly bytes: number;
  readonly #keys: readonly Key[];
  readonly #current: Key;

  constructor(keys: readonly [Key, ...Key[]]) {
    this.#keys = keys;
    this.#current = keys[0];
    this.bytes = HEADER_BYTES + this.#current.secret.length;
  }

  seal(bytes: Uint8Array, at: number): void {
    const section = at + MANDATORY_BYTES;
    bytes[section + A_TYPE] = SIMPLE_PASSWORD;
    bytes[section + A_LENGTH] = this.bytes;
    bytes[section + A_KEY] = this.#current.id;
    bytes.set(this.#current.secret, section + HEADER_BYTES);
  }

  open(bytes: Uint8Array, at: number, length: number): boolean {
    const section = at + MANDATORY_BYTES;
    if (length < MANDATORY_BYTES + HEADER_BYTES || bytes[section + A_TYPE] !== SIMPLE_PASSWORD) return false;
    const key = keyOf(this.#keys, bytes[section + A_KEY] as number);
    if (key === undefined) return false;
    const { secret } = key;
    if (bytes[section + A_LENGTH] !== HEADER_BYTES + secret.length) return false;
    if (length < MANDATORY_BYTES + HEADER_BYTES + secret.length) return false;
    return equal(bytes, section + HEADER_BYTES, secret, 0, secret.length);
  }

  forget(): void {
    // A password has no sequence.
  }
}
