import { type FaultSpec, Faults } from './faults.ts';

/** What one direction of an emulated link does to IP packets; its faults are behind the bottleneck. */
export interface Shape extends FaultSpec {
  /** Of IP packets; absent: no bottleneck. */
  readonly bitsPerSecond?: number;
  /** Propagation, after the bottleneck; 0 by default. */
  readonly delayUs?: number;
  /** Room in front of the bottleneck: what does not fit is dropped. Absent: all fits. */
  readonly queueBytes?: number;
  /** The same in packets, the one in the bottleneck not among them. */
  readonly queuePackets?: number;
}

/** A packet on the link; times in microseconds. */
export interface Carried {
  readonly bytes: Uint8Array;
  offeredUs: number;
  /** When its last bit has left the bottleneck, and when it arrives. */
  leavesUs: number;
  dueUs: number;
}

/** One direction of a link, without clock, sockets and randomness of its own. Microseconds. */
export class Shaper {
  /** Packets that the queue had no room for. */
  overflows = 0;
  readonly faults: Faults;
  #shape: Shape;
  #line: Carried[] = [];
  #head = 0;
  /** Packets that have arrived, by their length, to be used again: garbage would stop the link for milliseconds. */
  readonly #spare = new Map<number, Carried[]>();
  /** The packet that is lent to whoever took it. */
  #lent: Carried | undefined;
  /** When each packet that waits, or waited lately, has left the bottleneck; those that vanish are among them. */
  #leaving: number[] = [];
  /** When the bottleneck has nothing more to do. */
  #busyUntilUs = 0;

  /** @param random uniform in [0, 1) */
  constructor(shape: Shape, random: () => number) {
    this.#shape = shape;
    this.faults = new Faults(random);
  }

  /** Bytes that wait for the bottleneck or are in it. */
  queuedBytes(nowUs: number): number {
    const { bitsPerSecond = 0 } = this.#shape;
    return (Math.max(this.#busyUntilUs - nowUs, 0) * bitsPerSecond) / 8e6;
  }

  /** A packet comes; it is copied. @returns whether it will arrive */
  offer(nowUs: number, packet: Uint8Array): boolean {
    const { queueBytes = Number.POSITIVE_INFINITY, queuePackets, delayUs = 0 } = this.#shape;
    const isFull = queuePackets !== undefined && this.#inBottleneck(nowUs) > queuePackets;
    if (isFull || this.queuedBytes(nowUs) + packet.length > queueBytes) {
      this.overflows++;
      return false;
    }
    this.#busyUntilUs = Math.max(this.#busyUntilUs, nowUs) + this.#transmission(packet.length);
    if (queuePackets !== undefined) this.#leaving.push(this.#busyUntilUs);
    if (this.faults.drops(packet, this.#shape)) return false;
    const carried = this.#copyOf(packet);
    this.faults.corrupts(carried.bytes, this.#shape);
    carried.offeredUs = nowUs;
    carried.leavesUs = this.#busyUntilUs;
    carried.dueUs = this.#busyUntilUs + delayUs;
    this.#line.push(carried);
    return true;
  }

  /** When the next packet arrives; `Infinity`: none is on its way. */
  get dueUs(): number {
    return this.#line[this.#head]?.dueUs ?? Number.POSITIVE_INFINITY;
  }

  /** The next packet that has arrived by now; it is lent until this is called again. */
  take(nowUs: number): Carried | undefined {
    if (this.#lent !== undefined) this.#spare.get(this.#lent.bytes.length)?.push(this.#lent);
    this.#lent = undefined;
    const packet = this.#line[this.#head];
    if (packet === undefined || packet.dueUs > nowUs) return undefined;
    this.#lent = packet;
    this.#head++;
    if (this.#head > 1024 && 2 * this.#head > this.#line.length) {
      this.#line = this.#line.slice(this.#head);
      this.#head = 0;
    }
    return packet;
  }

  /** From now on the link is like this; what waits for the bottleneck is sent at its new rate. Order is kept. */
  change(nowUs: number, shape: Shape): void {
    this.#shape = shape;
    let free = nowUs;
    let last = 0;
    for (let i = this.#head; i < this.#line.length; i++) {
      const packet = this.#line[i] as Carried;
      if (packet.leavesUs > nowUs) {
        free += this.#transmission(packet.bytes.length);
        packet.leavesUs = free;
        packet.dueUs = Math.max(free + (shape.delayUs ?? 0), last);
      }
      last = packet.dueUs;
    }
    this.#busyUntilUs = free;
    this.#leaving = this.#line.slice(this.#head).flatMap(({ leavesUs }) => (leavesUs > nowUs ? [leavesUs] : []));
  }

  #copyOf(packet: Uint8Array): Carried {
    const { length } = packet;
    const spare = this.#spare.get(length) ?? [];
    this.#spare.set(length, spare);
    const carried = spare.pop() ?? { bytes: new Uint8Array(length), offeredUs: 0, leavesUs: 0, dueUs: 0 };
    carried.bytes.set(packet);
    return carried;
  }

  #transmission(bytes: number): number {
    const { bitsPerSecond = Number.POSITIVE_INFINITY } = this.#shape;
    return (bytes * 8e6) / bitsPerSecond;
  }

  /** Packets that wait, and the one that is being sent. */
  #inBottleneck(nowUs: number): number {
    while (this.#leaving.length > 0 && (this.#leaving[0] as number) <= nowUs) this.#leaving.shift();
    return this.#leaving.length;
  }
}
