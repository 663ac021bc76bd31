import { ADDRESS_WORDS } from '../../address.ts';
import { Burst, D_ECN, HOP_LIMIT_SHIFT } from '../../burst.ts';
import type { Random, TimeUs } from '../../contract.ts';
import { Bfd, Departure } from '../bfd.ts';
import { HOP_LIMIT, type SessionOptions } from '../options.ts';
import { ControlPacket, parsePacket } from '../packet.ts';
import type { Session } from '../session.ts';
import { State } from '../state.ts';
import { nodeHash, seeded } from './hash.ts';

/** Words of 192.0.2.N. */
export const addressOf = (last: number, port = 0): Int32Array => {
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = 4 | (port << 16);
  new Uint8Array(words.buffer).set([192, 0, 2, last], 8);
  return words;
};

export const MS = 1000;
/** 3 times 50 ms. */
export const FAST: SessionOptions = {
  binding: 0,
  remote: addressOf(2),
  multiHop: false,
  desiredMinTxUs: 50 * MS,
  requiredMinRxUs: 50 * MS,
  detectMult: 3,
};

export interface Sent {
  readonly at: TimeUs;
  readonly by: End;
  readonly packet: ControlPacket;
  readonly bytes: Uint8Array;
  /** Both ends of a path have the same number for it. */
  readonly binding: number;
}

/** One system with its core. */
export class End {
  readonly bfd: Bfd;
  readonly name: string;
  readonly address: Int32Array;
  /** `up->down 1` and the like, as told to the sink. */
  readonly changes: string[] = [];
  readonly #burst = new Burst(4096, 64);

  constructor(name: string, last: number, random: Random) {
    this.name = name;
    this.address = addressOf(last, 50_000);
    this.bfd = new Bfd({
      random,
      hash: nodeHash,
      onChange: ({ state, diagnostic }, from) => this.changes.push(`${from}->${state} ${diagnostic}`),
    });
  }

  /** Hands bytes in as a datagram from `remote`. */
  take(bytes: Uint8Array, remote: Int32Array, now: TimeUs, hopLimit = HOP_LIMIT, binding = 0): void {
    const burst = this.#burst;
    burst.clear();
    burst.buffer.set(bytes, 0);
    burst.commit(bytes.length, 0, remote, 0, this.address, 0);
    burst.words[D_ECN] = hopLimit << HOP_LIMIT_SHIFT;
    this.bfd.handle({ burst, binding }, now);
  }

  /** A deadline passed. */
  wake(now: TimeUs): void {
    this.#burst.clear();
    this.bfd.handle({ burst: this.#burst, binding: 0 }, now);
  }
}

/** Two systems in virtual time with a path between them that takes a millisecond. */
export class Pair {
  readonly a: End;
  readonly b: End;
  now: TimeUs = 1_000_000;
  readonly sent: Sent[] = [];
  delayUs = 1 * MS;
  /** Whether a packet gets through. */
  passes: (sent: Sent) => boolean = () => true;
  readonly #departure = new Departure();
  #flying: { readonly due: TimeUs; readonly to: End; readonly sent: Sent }[] = [];

  constructor(seed = 1) {
    this.a = new End('a', 1, seeded(seed));
    this.b = new End('b', 2, seeded(seed + 1));
  }

  /** One session at each end, with each other. */
  open(a: Partial<SessionOptions> = {}, b: Partial<SessionOptions> = a): [Session, Session] {
    return [
      this.a.bfd.open({ ...FAST, remote: addressOf(2), ...a }, this.now),
      this.b.bfd.open({ ...FAST, remote: addressOf(1), ...b }, this.now),
    ];
  }

  /** Open, and Up at their own rate. */
  up(a: Partial<SessionOptions> = {}, b: Partial<SessionOptions> = a): [Session, Session] {
    const sessions = this.open(a, b);
    this.run(3_000 * MS);
    if (sessions.some(({ state }) => state !== State.up)) throw new Error('they did not come Up');
    this.sent.length = 0;
    for (const end of [this.a, this.b]) end.changes.length = 0;
    return sessions;
  }

  /** Goes on for so long, deadline by deadline. */
  run(us: number): void {
    const end = this.now + us;
    for (;;) {
      this.#drain(this.a, this.b);
      this.#drain(this.b, this.a);
      const next = Math.min(this.a.bfd.deadline(), this.b.bfd.deadline(), ...this.#flying.map(({ due }) => due));
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const landed = this.#flying.filter(({ due }) => due <= this.now);
      this.#flying = this.#flying.filter(({ due }) => due > this.now);
      for (const { to, sent } of landed) to.take(sent.bytes, sent.by.address, this.now, HOP_LIMIT, sent.binding);
      this.a.wake(this.now);
      this.b.wake(this.now);
    }
    this.now = end;
  }

  /** What an end sent since `from`. */
  sentBy(end: End, from = 0): Sent[] {
    return this.sent.filter(({ by, at }) => by === end && at >= from);
  }

  #drain(by: End, to: End): void {
    for (let packets = 0; by.bfd.poll(this.now, this.#departure); packets++) {
      if (packets > 1000) throw new Error(`${by.name} does not stop sending`);
      const bytes = this.#departure.bytes.slice(0, this.#departure.length);
      const packet = new ControlPacket();
      parsePacket(bytes, 0, bytes.length, packet);
      const binding = this.#departure.session?.options.binding ?? 0;
      const sent = { at: this.now, by, packet, bytes, binding };
      this.sent.push(sent);
      if (this.passes(sent)) this.#flying.push({ due: this.now + this.delayUs, to, sent });
    }
  }
}
