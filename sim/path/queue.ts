import type { TimeUs } from '#protocol/contract.ts';
import type { Packet } from './packet.ts';

/** A queue in front of a link. */
export interface Queue {
  readonly bytes: number;
  readonly drops: number;
  /** Packets that it marked with ECN-CE instead. */
  readonly marks: number;
  offer(packet: Packet, now: TimeUs): void;
  /** The next one to send, `undefined` for none. */
  take(now: TimeUs): Packet | undefined;
}

interface Queued {
  readonly packet: Packet;
  readonly at: TimeUs;
}

/** First in, first out, in a ring that grows. */
class Fifo {
  #items: Queued[] = [];
  #head = 0;
  bytes = 0;

  push(packet: Packet, at: TimeUs): void {
    this.#items.push({ packet, at });
    this.bytes += packet.size;
  }

  shift(): Queued | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head++;
    this.bytes -= item.packet.size;
    if (this.#head > 1024 && 2 * this.#head > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

const CE = 3;

/** Tells a packet's ends of congestion (RFC 3168 §5). @returns `false`: they would not understand */
const mark = (packet: Packet): boolean => {
  const isCapable = packet.ecn !== 0;
  if (isCapable) packet.ecn = CE;
  return isCapable;
};

/** What does not fit is dropped. */
export class DropTail implements Queue {
  readonly #limit: number;
  readonly #markAbove: number;
  readonly #fifo = new Fifo();
  drops = 0;
  marks = 0;

  /** @param limit bytes @param markAbove what comes while more bytes than that wait is marked */
  constructor(limit: number, markAbove = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#markAbove = markAbove;
  }

  get bytes(): number {
    return this.#fifo.bytes;
  }

  offer(packet: Packet, now: TimeUs): void {
    if (this.bytes + packet.size > this.#limit) {
      this.drops++;
      return;
    }
    if (this.bytes > this.#markAbove && mark(packet)) this.marks++;
    this.#fifo.push(packet, now);
  }

  take(): Packet | undefined {
    return this.#fifo.shift()?.packet;
  }
}

interface Head {
  readonly packet: Packet | undefined;
  readonly isLate: boolean;
}

const TARGET_US = 5000;
const INTERVAL_US = 100_000;
const MTU = 1500;

/** Controlled Delay (RFC 8289): drops or marks at the head while packets wait for more than 5 ms for longer than 100 ms. */
export class CoDel implements Queue {
  readonly #limit: number;
  readonly #marking: boolean;
  readonly #fifo = new Fifo();
  drops = 0;
  marks = 0;
  #firstAbove: TimeUs = 0;
  #dropping = false;
  #dropNext: TimeUs = 0;
  #count = 0;
  #lastCount = 0;

  /** @param limit bytes @param marking what it would drop is marked, if its ends understand that */
  constructor(limit: number, marking = false) {
    this.#limit = limit;
    this.#marking = marking;
  }

  get bytes(): number {
    return this.#fifo.bytes;
  }

  offer(packet: Packet, now: TimeUs): void {
    if (this.bytes + packet.size > this.#limit) this.drops++;
    else this.#fifo.push(packet, now);
  }

  /** §5.5. */
  take(now: TimeUs): Packet | undefined {
    let next = this.#next(now);
    if (this.#dropping) {
      if (!next.isLate) this.#dropping = false;
      while (this.#dropping && now >= this.#dropNext) {
        const late = next;
        this.#count++;
        next = this.#punish(late, now);
        if (next.isLate) this.#dropNext = this.#after(this.#dropNext);
        else this.#dropping = false;
        // A mark is told once.
        if (next === late) break;
      }
    } else if (next.isLate) {
      next = this.#punish(next, now);
      this.#dropping = true;
      // Not long since the last time: begin where that ended.
      const delta = this.#count - this.#lastCount;
      this.#count = delta > 1 && now - this.#dropNext < 16 * INTERVAL_US ? delta : 1;
      this.#dropNext = this.#after(now);
      this.#lastCount = this.#count;
    }
    return next.packet;
  }

  /** @returns what leaves in place of a late packet: itself with a mark, or the one behind it */
  #punish(late: Head, now: TimeUs): Head {
    if (this.#marking && late.packet !== undefined && mark(late.packet)) {
      this.marks++;
      return late;
    }
    this.drops++;
    return this.#next(now);
  }

  #after(time: TimeUs): TimeUs {
    return time + INTERVAL_US / Math.sqrt(this.#count);
  }

  #next(now: TimeUs): Head {
    const item = this.#fifo.shift();
    if (item === undefined) {
      this.#firstAbove = 0;
      return { packet: undefined, isLate: false };
    }
    if (now - item.at < TARGET_US || this.bytes <= MTU) {
      this.#firstAbove = 0;
      return { packet: item.packet, isLate: false };
    }
    if (this.#firstAbove === 0) {
      this.#firstAbove = now + INTERVAL_US;
      return { packet: item.packet, isLate: false };
    }
    return { packet: item.packet, isLate: now >= this.#firstAbove };
  }
}
