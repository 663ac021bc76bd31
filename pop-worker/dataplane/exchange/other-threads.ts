import { TunPacket } from '#host/tun/packet.ts';
import { Burst, D_ECN, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import type { ThreadsPort } from '../forward/ports.ts';
import type { RemoteSession } from '../forward/remote-sessions.ts';
import { type Handed, UNASKED } from '../handoff/handed.ts';
import type { Exchange, ExchangeSink, Kind } from './exchange.ts';

/** What a thread does with what was meant for it and came to another one. */
export interface OwnWork {
  /** Datagrams of a connection. @param handed undefined: this worker has them from whoever sent them */
  datagrams(burst: Burst, handed: Handed | undefined): void;
  /** A packet from outside, as the forwarder's `fromOutsideByThread` has it. */
  outside(packet: TunPacket): void;
  /** A packet for the session `id`, if that is still the one of `serial`. */
  inner(id: number, serial: number, buffer: Uint8Array, start: number, end: number): void;
  /** What another worker said of translations, by the mesh's thread. */
  nat(buffer: Uint8Array, start: number, end: number): void;
  /** What another worker said of filters, by the mesh's thread. */
  filters(buffer: Uint8Array, start: number, end: number): void;
  /** A turn is over: what was gathered and queued meanwhile is to leave. */
  turnOver(): void;
  fault(error: unknown): void;
}

/**
 * Words of a record. `datagram`: a descriptor from its ECN codepoint on; whether another worker handed it over, which thread
 * of it asks, and by which number. `outside`: as `TunPacket` writes them. `inner`: index
 * and serial of the session.
 */
const FROM_ECN = DESCRIPTOR_WORDS - D_ECN;
const [IS_HANDED, ASKER, QUESTION] = [FROM_ECN, FROM_ECN + 1, FROM_ECN + 2];

/** What a data-plane thread hands to the others, and takes from them. */
export class OtherThreads implements ThreadsPort, ExchangeSink {
  readonly #exchange: Exchange;
  readonly #work: OwnWork;
  readonly #burst: Burst;
  readonly #packet = new TunPacket();

  /** @param bytes of the exchange's largest record, and of what is free in front of it */
  constructor(exchange: Exchange, work: OwnWork, bytes: number) {
    this.#exchange = exchange;
    this.#work = work;
    this.#burst = new Burst(bytes, 1);
  }

  /** A datagram of a connection of that thread's. @returns true: it is not ours, whether or not there is room for it there */
  datagram(
    thread: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    words: Int32Array,
    base: number,
    handed?: Handed,
  ): boolean {
    const { meta } = this.#exchange;
    for (let i = 0; i < FROM_ECN; i++) meta[i] = words[base + D_ECN + i] as number;
    const asked = handed ?? UNASKED;
    meta[IS_HANDED] = handed === undefined ? 0 : 1;
    meta[ASKER] = asked.worker | (asked.thread << 16);
    meta[QUESTION] = asked.question;
    this.#exchange.send(thread, 'datagram', buffer, start, end);
    return true;
  }

  toSession({ thread, id, serial }: RemoteSession, buffer: Uint8Array, start: number, end: number): boolean {
    const { meta } = this.#exchange;
    meta[0] = id;
    meta[1] = serial;
    return this.#exchange.send(thread, 'inner', buffer, start, end);
  }

  /** Hands what was said of translations to the mesh's thread. */
  nat(thread: number, message: Uint8Array): boolean {
    return this.#exchange.send(thread, 'nat', message, 0, message.length);
  }

  /** As `nat`, of filters. */
  filters(thread: number, message: Uint8Array): boolean {
    return this.#exchange.send(thread, 'filters', message, 0, message.length);
  }

  toThread(thread: number, packet: TunPacket): boolean {
    packet.writeWords(this.#exchange.meta, 0);
    return this.#exchange.send(thread, 'outside', packet.buffer, packet.start, packet.end);
  }

  take(kind: Kind, meta: Int32Array, buffer: Uint8Array, start: number, end: number): void {
    try {
      if (kind === 'datagram') this.#datagram(meta, buffer, start, end);
      else if (kind === 'inner') this.#work.inner(meta[0] as number, meta[1] as number, buffer, start, end);
      else if (kind === 'nat') this.#work.nat(buffer, start, end);
      else if (kind === 'filters') this.#work.filters(buffer, start, end);
      else this.#outside(meta, buffer, start, end);
    } catch (error) {
      this.#work.fault(error);
    }
  }

  #datagram(meta: Int32Array, buffer: Uint8Array, start: number, end: number): void {
    const burst = this.#burst;
    burst.buffer.set(buffer.subarray(start, end), start);
    const { words } = burst;
    words[D_OFFSET] = start;
    words[D_LENGTH] = end - start;
    words[D_SEGMENT] = end - start;
    for (let i = 0; i < FROM_ECN; i++) words[D_ECN + i] = meta[i] as number;
    burst.count = 1;
    const [asker, question] = [meta[ASKER] as number, meta[QUESTION] as number];
    const asked = { worker: asker & 0xffff, thread: asker >>> 16, question: question >>> 0 };
    this.#work.datagrams(burst, meta[IS_HANDED] === 0 ? undefined : asked);
  }

  #outside(meta: Int32Array, buffer: Uint8Array, start: number, end: number): void {
    this.#packet.set(buffer, start, end, meta, 0);
    this.#work.outside(this.#packet);
  }

  taken(): void {
    this.#work.turnOver();
  }

  /** What was handed over since the last time leaves. */
  flush(): void {
    this.#exchange.flush();
  }
}
