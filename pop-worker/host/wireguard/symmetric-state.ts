import { createHmac } from 'node:crypto';
import { blake2s } from './blake2s.ts';

const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = Buffer.concat(parts);
  const into = new Uint8Array(32);
  blake2s(undefined, bytes, 0, bytes.length, into, 0, 32);
  return into;
};

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
  const mac = createHmac('blake2s256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

const CHAIN = hash(Buffer.from('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'));
const START = hash(CHAIN, Buffer.from('WireGuard v1 zx2c4 Jason@zx2c4.com'));
const NOTHING = new Uint8Array(0);

/** Chaining key and hash of a handshake (paper §5.4; Noise, revision 34, §5.2). */
export class SymmetricState {
  chain: Uint8Array = CHAIN.slice();
  hash: Uint8Array;

  /** @param responderKey its public key, which both know before they begin */
  constructor(responderKey: Uint8Array) {
    this.hash = hash(START, responderKey);
  }

  copy(): SymmetricState {
    const copy = new SymmetricState(NOTHING);
    // Not slice(): that of a Buffer shares its bytes.
    copy.chain = Uint8Array.from(this.chain);
    copy.hash = Uint8Array.from(this.hash);
    return copy;
  }

  mixHash(bytes: Uint8Array): void {
    this.hash = hash(this.hash, bytes);
  }

  /** KDF1. */
  mixKey(secret: Uint8Array): void {
    [this.chain] = this.#derive(secret, 1) as [Uint8Array];
  }

  /** KDF2. @returns the key of what is sealed next */
  mixKeyForSealing(secret: Uint8Array): Uint8Array {
    const [chain, key] = this.#derive(secret, 2) as [Uint8Array, Uint8Array];
    this.chain = chain;
    return key;
  }

  /** KDF3. @returns the key of what is sealed next */
  mixPresharedKey(secret: Uint8Array): Uint8Array {
    const [chain, mixed, key] = this.#derive(secret, 3) as [Uint8Array, Uint8Array, Uint8Array];
    this.chain = chain;
    this.mixHash(mixed);
    return key;
  }

  /** @returns the initiator's sending key, then the responder's */
  split(): [Uint8Array, Uint8Array] {
    const pair = this.#derive(NOTHING, 2) as [Uint8Array, Uint8Array];
    this.forget();
    return pair;
  }

  forget(): void {
    this.chain.fill(0);
    this.hash.fill(0);
  }

  #derive(secret: Uint8Array, count: number): Uint8Array[] {
    const root = hmac(this.chain, secret);
    const keys: Uint8Array[] = [];
    let last: Uint8Array = NOTHING;
    for (let i = 1; i <= count; i++) {
      last = hmac(root, last, Uint8Array.of(i));
      keys.push(last);
    }
    root.fill(0);
    this.chain.fill(0);
    return keys;
  }
}
