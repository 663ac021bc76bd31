import { sameAddress } from '#protocol/address.ts';
import { MOST_STAGED_PACKETS } from '#protocol/wireguard/limits.ts';
import type { Events } from '../events.ts';
import { FLOW_US, KEEPALIVE_S, SILENCE_US } from './bounds.ts';
import type { Arrival, Network } from './network.ts';
import { readPacket } from './packets.ts';
import type { Rules } from './rules.ts';
import type { Side } from './side.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Whoever has said nothing for so long has ended. */
const ENDED_US = 2e6;
const MOST_PACKETS = 1 << 22;
const MOST_KEEPALIVE_US = KEEPALIVE_S * 1e6 + 1000;

/** Packets of one side. */
interface Way {
  readonly arrived: Uint8Array;
  offered: number;
  delivered: number;
  /** The first that was offered since one arrived, or since it has begun to speak. */
  wantsSince: number;
  lastOfferAt: number;
}

/** Looks at all that goes in and out of both sides, and holds it against the rules. */
export class Watch {
  longestWaitUs = 0;
  mostStaged = 0;
  idleChecks = 0;
  readonly ways = [0, 1].map(
    (): Way => ({
      ...{ arrived: new Uint8Array(MOST_PACKETS / 8), offered: 0, delivered: 0 },
      ...{ wantsSince: NEVER, lastOfferAt: Number.NEGATIVE_INFINITY },
    }),
  );
  /** Since when each side sends persistent keepalives. */
  readonly keptAliveSince = [NEVER, NEVER];
  /** When each side last sent something, or got something that was fresh. */
  readonly #activeAt = [0, 0];
  /** When something last happened that is not silence. */
  #loudAt = 0;
  /** Since when a packet of the roaming side has shown the other where it is. Who stays is always known. */
  #isFoundSince = NEVER;
  #from: Int32Array | undefined;
  readonly #events: Events;
  readonly #rules: Rules;
  readonly #network: Network;
  readonly #sides: () => readonly [Side, Side];

  constructor(events: Events, rules: Rules, network: Network, sides: () => readonly [Side, Side]) {
    this.#events = events;
    this.#rules = rules;
    this.#network = network;
    this.#sides = sides;
  }

  /** Something was done that has effects for a while. */
  stirred(): void {
    this.#loudAt = this.#events.now;
  }

  /** @returns the packet's number */
  offered(side: number): number {
    const { now } = this.#events;
    const way = this.ways[side] as Way;
    if (now - way.lastOfferAt > ENDED_US) way.wantsSince = NEVER;
    if (way.wantsSince === NEVER) way.wantsSince = now;
    way.lastOfferAt = now;
    this.stirred();
    return way.offered++;
  }

  sent(side: number): void {
    this.#activeAt[side] = this.#events.now;
  }

  roamed(): void {
    this.#isFoundSince = NEVER;
  }

  /** A datagram comes to a side, which handles it by `handle`. */
  arrives(side: Side, { from, isFresh }: Arrival, handle: () => void): void {
    const { now } = this.#events;
    this.#from = from;
    if (isFresh) {
      this.#activeAt[side.number] = now;
      if (side.number === 1 && !this.#isFromOther(side)) this.#isFoundSince = NEVER;
      handle();
      return;
    }
    this.stirred();
    const before = this.#state(side);
    handle();
    const after = this.#state(side);
    if (before !== after)
      this.#rules.break('replay', `side ${side.number} took what is not fresh: ${before} before, ${after} after`);
  }

  #isFromOther({ number }: Side): boolean {
    const other = this.#sides()[1 - number] as Side;
    return this.#from !== undefined && sameAddress(this.#from, 0, other.address, 0);
  }

  /** What nothing that is refused may change. */
  #state({ core, peer, number }: Side): string {
    const { receivedMessages, responsesSent, sessions } = core.totals;
    const { delivered } = this.ways[1 - number] as Way;
    return `${[receivedMessages, responsesSent, sessions, delivered]} at ${peer.endpoint.words.subarray(0, 6)}`;
  }

  /** A packet comes out at a side. */
  delivered(side: Side, packet: Uint8Array): void {
    const { now } = this.#events;
    const way = this.ways[1 - side.number] as Way;
    const number = readPacket(1 - side.number, packet);
    if (number === undefined || number >= way.offered) {
      this.#rules.break('whole', `side ${side.number} got ${packet.length} bytes that nobody has sent`);
      return;
    }
    const bit = 1 << (number & 7);
    const byte = way.arrived[number >> 3] as number;
    if ((byte & bit) !== 0) this.#rules.break('once', `side ${side.number} got packet ${number} twice`);
    way.arrived[number >> 3] = byte | bit;
    way.delivered++;
    if (side.number === 1 && this.#isFoundSince === NEVER && this.#isFromOther(side)) this.#isFoundSince = now;
    const waited = this.#waited(1 - side.number);
    this.longestWaitUs = Math.max(this.longestWaitUs, waited);
    way.wantsSince = NEVER;
  }

  /** For how long packets of a side that must arrive have not; below 0: they need not. */
  #waited(side: number): number {
    const { wantsSince } = this.ways[side] as Way;
    const since = Math.max(wantsSince, this.#network.calmSince, side === 1 ? this.#isFoundSince : 0);
    return since === NEVER ? -1 : this.#events.now - since;
  }

  /** Once a second. */
  look(): void {
    const { now } = this.#events;
    for (const side of this.#sides()) {
      const { number, peer } = side;
      const { lastOfferAt } = this.ways[number] as Way;
      const waited = this.#waited(number);
      if (waited > FLOW_US && now - lastOfferAt < ENDED_US)
        this.#rules.break('flow', `packets of side ${number} have not arrived for ${waited / 1e6} s`);
      const { size } = peer.staged;
      this.mostStaged = Math.max(this.mostStaged, size);
      if (size > MOST_STAGED_PACKETS) this.#rules.break('queues', `${size} packets wait at side ${number}`);
      const silentUs = now - Math.max(this.#activeAt[number] as number, this.keptAliveSince[number] as number);
      if (silentUs > MOST_KEEPALIVE_US)
        this.#rules.break('keepalive', `side ${number} has been silent for ${silentUs / 1e6} s`);
      const { sent, received } = this.#network.stranger[number] as { sent: number; received: number };
      if (received > sent) this.#rules.break('stranger', `${received} bytes from side ${number} for ${sent} to it`);
      if (now - this.#loudAt > SILENCE_US && Math.min(...this.keptAliveSince) === NEVER) this.#isIdle(side);
    }
  }

  #isIdle({ core, keys, peer, number }: Side): void {
    this.idleChecks++;
    const at = core.deadline();
    if (at !== NEVER)
      this.#rules.break('idle', `side ${number} wants to be woken in ${(at - this.#events.now) / 1e6} s`);
    if (keys.live > 0) this.#rules.break('idle', `side ${number} has ${keys.live} keys`);
    if (peer.staged.size > 0) this.#rules.break('idle', `${peer.staged.size} packets wait at side ${number}`);
  }
}
