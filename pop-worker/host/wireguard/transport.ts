import { completeChecksum, Segmenter } from '#protocol/ip/segmenter.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import {
  J_COUNTER_HIGH,
  J_COUNTER_LOW,
  J_KEY,
  J_LENGTH,
  J_OFFSET,
  J_OUTCOME,
  JOB_WORDS,
  S_CHECKSUM,
  S_COUNTER_HIGH,
  S_COUNTER_LOW,
  S_FLAGS,
  S_FROM,
  S_INTO,
  S_KEY,
  S_LENGTH,
  S_RECEIVER,
  S_SEGMENT,
  S_UPPER,
  SEAL_WORDS,
  SealFlag,
  type TransportPort,
} from '#protocol/wireguard/ports.ts';
import { MessageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { LEAST_TRANSPORT_BYTES, paddedLength, TAG_BYTES, TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import { open, sealInto } from './aead.ts';

const NOTHING = new Uint8Array(0);

/** Keys by number, and the ciphers of transport messages by node:crypto: an object a message. */
export class NodeTransport implements TransportPort {
  readonly #keys: (Uint8Array | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  readonly #segmenter = new Segmenter();
  readonly #view = new IpView();

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

  seal(from: Uint8Array, into: Uint8Array, jobs: Uint32Array, count: number, mtu: number): void {
    for (let i = 0; i < count; i++) {
      const job = jobs.subarray(i * SEAL_WORDS, (i + 1) * SEAL_WORDS);
      const key = this.#keyOf(job[S_KEY] as number);
      let at = job[S_INTO] as number;
      let [low, high] = [job[S_COUNTER_LOW] as number, job[S_COUNTER_HIGH] as number];
      for (const packet of this.#packetsOf(from, job)) {
        const length = paddedLength(packet.length, mtu);
        if (at + length + LEAST_TRANSPORT_BYTES > into.length) throw new RangeError('A packet has no room.');
        writeWord(into, at, MessageType.transport);
        writeWord(into, at + TRANSPORT.receiver, job[S_RECEIVER] as number);
        writeWord(into, at + TRANSPORT.counterLow, low);
        writeWord(into, at + TRANSPORT.counterHigh, high);
        const content = new Uint8Array(length);
        content.set(packet);
        sealInto(key, content, NOTHING, into, at + TRANSPORT.content, this.#nonceOf(low, high));
        at += length + LEAST_TRANSPORT_BYTES;
        low = (low + 1) >>> 0;
        if (low === 0) high++;
      }
    }
  }

  open(buffer: Uint8Array, jobs: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const job = i * JOB_WORDS;
      const key = this.#keyOf(jobs[job + J_KEY] as number);
      const at = (jobs[job + J_OFFSET] as number) + TRANSPORT.content;
      const length = jobs[job + J_LENGTH] as number;
      if (at + length + TAG_BYTES > buffer.length) throw new RangeError('A message ends behind its buffer.');
      const nonce = this.#nonceOf(jobs[job + J_COUNTER_LOW] as number, jobs[job + J_COUNTER_HIGH] as number);
      const plain = open(key, buffer.subarray(at, at + length + TAG_BYTES), NOTHING, nonce);
      jobs[job + J_OUTCOME] = plain === undefined ? 0 : 1;
      if (plain !== undefined) buffer.set(plain, at);
    }
  }

  /** The packets that one becomes, each to be used before the next. */
  *#packetsOf(from: Uint8Array, job: Uint32Array): Generator<Uint8Array> {
    const packet = from.slice(job[S_FROM] as number, (job[S_FROM] as number) + (job[S_LENGTH] as number));
    const end = packet.length;
    if ((job[S_SEGMENT] as number) === 0) {
      if (((job[S_FLAGS] as number) & SealFlag.checksum) !== 0)
        completeChecksum(packet, job[S_UPPER] as number, job[S_CHECKSUM] as number, end);
      yield packet;
      return;
    }
    const isCut =
      this.#view.parse(packet, 0, end) === IpFault.none &&
      this.#segmenter.begin(packet, this.#view, job[S_SEGMENT] as number);
    if (!isCut) throw new RangeError('A packet has no such headers.');
    for (let bytes = this.#segmenter.nextInPlace(); bytes > 0; bytes = this.#segmenter.nextInPlace())
      yield packet.subarray(this.#segmenter.start, this.#segmenter.start + bytes);
  }

  #keyOf(number: number): Uint8Array {
    const key = this.#keys[number];
    if (key === undefined) throw new RangeError(`There is no key ${number}.`);
    return key;
  }

  #nonceOf(low: number, high: number): Uint8Array<ArrayBuffer> {
    this.#nonceView.setUint32(4, low, true);
    this.#nonceView.setUint32(8, high, true);
    return this.#nonce;
  }
}
