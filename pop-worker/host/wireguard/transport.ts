import {
  J_COUNTER_HIGH,
  J_COUNTER_LOW,
  J_KEY,
  J_LENGTH,
  J_OFFSET,
  J_OUTCOME,
  JOB_WORDS,
  type TransportPort,
} from '#protocol/wireguard/ports.ts';
import { LEAST_TRANSPORT_BYTES, TAG_BYTES, TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import { open, sealInto } from './aead.ts';

const NOTHING = new Uint8Array(0);

/** Keys by number, and the ciphers of transport messages by node:crypto: an object a message. */
export class NodeTransport implements TransportPort {
  readonly #keys: (Uint8Array | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);

  /** Keys that are held. */
  get size(): number {
    return this.#keys.length - this.#free.length;
  }

  /** @param key 32 bytes, which it keeps @returns its number */
  add(key: Uint8Array): number {
    const number = this.#free.pop() ?? this.#keys.length;
    this.#keys[number] = key;
    return number;
  }

  forget(number: number): void {
    const key = this.#keys[number];
    if (key === undefined) return;
    key.fill(0);
    this.#keys[number] = undefined;
    this.#free.push(number);
  }

  seal(buffer: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const { key, at, length, nonce } = this.#job(buffer, jobs, i * JOB_WORDS);
      sealInto(key, buffer.subarray(at, at + length), NOTHING, buffer, at, nonce);
    }
  }

  open(buffer: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const { key, at, length, nonce } = this.#job(buffer, jobs, i * JOB_WORDS);
      const plain = open(key, buffer.subarray(at, at + length + TAG_BYTES), NOTHING, nonce);
      jobs[i * JOB_WORDS + J_OUTCOME] = plain === undefined ? 0 : 1;
      if (plain !== undefined) buffer.set(plain, at);
    }
  }

  #job(buffer: Uint8Array, jobs: Uint32Array, job: number) {
    const key = this.#keys[jobs[job + J_KEY] as number];
    if (key === undefined) throw new RangeError(`There is no key ${jobs[job + J_KEY]}.`);
    const offset = jobs[job + J_OFFSET] as number;
    const length = jobs[job + J_LENGTH] as number;
    if (offset + length + LEAST_TRANSPORT_BYTES > buffer.length)
      throw new RangeError('A message ends behind its buffer.');
    this.#nonceView.setUint32(4, jobs[job + J_COUNTER_LOW] as number, true);
    this.#nonceView.setUint32(8, jobs[job + J_COUNTER_HIGH] as number, true);
    return { key, at: offset + TRANSPORT.content, length, nonce: this.#nonce };
  }
}
