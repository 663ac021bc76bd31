import { Fragment, type IpView, Protocol } from '#protocol/ip/view.ts';
import { PAIR_BYTES, PAIR_WORDS, PairState, readPair } from '#protocol/nat/pairs.ts';
import { hash3 } from '#protocol/nat/slot-index.ts';
import { readSections, type Section } from '#protocol/nat/wire.ts';
import type { SharedFilters } from './shared-filters.ts';

/** A pair stands in one of so many places, of which the one that is over first gives way to a new pair. */
const WAYS = 8;
/** All pairs of a device share so many buckets: whoever talks to very many pushes out its own, and those of few others. */
const GROUP_BUCKETS = 256;
const GROUPS = 128;
const SLOTS = WAYS * GROUP_BUCKETS * GROUPS;
const WORDS = PAIR_WORDS;
/** All slots are looked at for what is over, and was told, in so many seconds. */
const SWEEP_SECONDS = 64;

/** Seconds without a packet after which a pair is over, as NAT44 has them (RFC 5382 REQ-5, RFC 4787 REQ-5). */
const TCP_SECONDS = 7440;
const OTHER_SECONDS = 300;
/** A device that came from elsewhere is found by who was talking to it for so long. */
export const PICK_UP_SECONDS = 60;
/** So long it is known that a device was elsewhere. */
const REMEMBERED_SECONDS = 600;

const SYN_OR_RST = 0x06;
const FIRST_INFORMATIONAL = 128;
const ECHO_REQUEST = 128;
const ICMP6_HEADER_BYTES = 8;
const IPV6_HEADER_BYTES = 40;

const wordAt = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)) >>>
  0;

/**
 * Whom devices have sent IPv6 to: whoever else sends them something from outside is not let in. Pairs of a device's and an outside
 * address, whatever the protocol and the ports (address-dependent filtering, RFC 4787 §5).
 */
export class Correspondents {
  /** Seconds of any clock. */
  now = 0;
  readonly #words = new Uint32Array(SLOTS * WORDS);
  readonly #until = new Uint32Array(SLOTS);
  readonly #pair = new Uint32Array(WORDS);
  /** Whose filters each pair was told as, and in which state; 0: as nobody's. */
  readonly #toldAs = new Uint32Array(SLOTS);
  readonly #toldState = new Uint8Array(SLOTS);
  /** Undefined: there is no mesh to be told. */
  readonly shared: SharedFilters | undefined;
  #sweepAt = 0;
  readonly #salt: number;
  /** Devices that were elsewhere, and when that was known last. */
  readonly #elsewhere = new Map<string, number>();
  #bucket = 0;

  /** @param salt 32 random bits, so that nobody can tell which pairs meet @param shared is told of those that talk both ways */
  constructor(salt: number, shared?: SharedFilters) {
    this.#salt = salt;
    this.shared = shared;
  }

  /** A packet goes from a device to the outside. */
  sent(buffer: Uint8Array, view: IpView): void {
    this.#note(this.#find(buffer, view.sourceAt, view.destinationAt), stateOf(view));
  }

  /**
   * @param pickUpUntil of its device: until when whoever talked to it elsewhere is let in
   * @param filters of its device, as `SharedFilters.attach` numbers them; 0: nobody is told
   * @returns whether a packet is let in
   */
  isLetIn(buffer: Uint8Array, view: IpView, pickUpUntil: number, filters = 0): boolean {
    if (isIcmpError(buffer, view)) return this.#isQuoted(buffer, view);
    const slot = this.#find(buffer, view.destinationAt, view.sourceAt);
    const isKnown = slot >= 0 && (this.#until[slot] as number) >= this.now;
    if (!isKnown && (this.now > pickUpUntil || begins(buffer, view))) return false;
    const state = stateOf(view);
    const noted = this.#note(slot, state);
    // Whoever was sent something and answers: of those that only one side speaks to there may be very many.
    if (isKnown && filters > 0) this.#tell(noted, state, filters);
    return true;
  }

  #tell(slot: number, state: PairState, filters: number): void {
    if (this.#toldAs[slot] === filters && (this.#toldState[slot] as number) >= state) return;
    if (this.shared?.tell(filters, state, this.#words, slot * WORDS) !== true) return;
    this.#toldAs[slot] = filters;
    this.#toldState[slot] = state;
  }

  /** Others need not keep a pair any more. */
  #tellOver(slot: number): void {
    const filters = this.#toldAs[slot] as number;
    if (filters === 0) return;
    this.shared?.tell(filters, PairState.over, this.#words, slot * WORDS);
    this.#toldAs[slot] = 0;
    this.#toldState[slot] = 0;
  }

  /** What another worker knew of devices that came here. @returns false when the bytes are no message */
  take(buffer: Uint8Array, start: number, end: number): boolean {
    const { shared } = this;
    if (shared === undefined) return false;
    const restore = ({ key, at, count }: Section): void => {
      const filters = shared.numberOf(key);
      for (let i = at; filters > 0 && i < at + count * PAIR_BYTES; i += PAIR_BYTES) {
        const state = readPair(buffer, i, this.#pair);
        if (state === PairState.over || !shared.owns(filters, buffer, i + 2)) continue;
        const slot = this.#note(this.#place(), state);
        this.#toldAs[slot] = filters;
        this.#toldState[slot] = Math.max(state, this.#toldState[slot] as number);
        shared.counters.restored++;
      }
    };
    return readSections(buffer, start, end, restore, PAIR_BYTES);
  }

  /** A device is at another thread or worker, or is there no more. */
  isElsewhere(key: string): void {
    this.#elsewhere.delete(key);
    this.#elsewhere.set(key, this.now);
    this.shared?.isElsewhere(key);
  }

  /** A device came here. @returns until when whoever talked to it elsewhere is let in */
  pickUpUntil(key: string): number {
    return this.#elsewhere.has(key) ? this.now + PICK_UP_SECONDS : -1;
  }

  /** It is so late now. */
  tick(now: number): void {
    this.#sweep(now - this.now);
    this.now = now;
    this.shared?.tick(now);
    for (const [key, at] of this.#elsewhere) {
      if (at + REMEMBERED_SECONDS > now) return;
      this.#elsewhere.delete(key);
    }
  }

  /** What was to be told leaves: to be called ten times a second. */
  tell(): void {
    const { shared } = this;
    if (shared === undefined) return;
    if (shared.isBehind) {
      shared.isBehind = false;
      this.#tellAll(shared);
    }
    shared.flush();
  }

  #tellAll(shared: SharedFilters): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const filters = this.#toldAs[slot] as number;
      if (filters > 0) shared.tell(filters, this.#toldState[slot] as PairState, this.#words, slot * WORDS);
    }
  }

  /** Tells of some pairs, that were told, that they are over. */
  #sweep(seconds: number): void {
    if (this.shared === undefined) return;
    const slots = Math.min(SLOTS, Math.max(0, seconds) * (SLOTS / SWEEP_SECONDS));
    for (let i = 0; i < slots; i++) {
      const slot = this.#sweepAt;
      this.#sweepAt = (slot + 1) % SLOTS;
      if (this.#toldAs[slot] !== 0 && (this.#until[slot] as number) < this.now) this.#tellOver(slot);
    }
  }

  /** What a router says of a packet that a device sent. */
  #isQuoted(buffer: Uint8Array, view: IpView): boolean {
    const quoted = view.payloadAt + ICMP6_HEADER_BYTES;
    if (quoted + IPV6_HEADER_BYTES > view.end) return false;
    for (let i = 0; i < 16; i++) if (buffer[quoted + 8 + i] !== buffer[view.destinationAt + i]) return false;
    const slot = this.#find(buffer, view.destinationAt, quoted + 24);
    return slot >= 0 && (this.#until[slot] as number) >= this.now;
  }

  /** @returns where the pair stands, or -1; then `#bucket` is where it may stand, and `#pair` what it is */
  #find(buffer: Uint8Array, deviceAt: number, remoteAt: number): number {
    const pair = this.#pair;
    for (let i = 0; i < 4; i++) {
      pair[i] = wordAt(buffer, deviceAt + 4 * i);
      pair[4 + i] = wordAt(buffer, remoteAt + 4 * i);
    }
    return this.#place();
  }

  /** Where `#pair` stands. */
  #place(): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#pair;
    const device = hash3(hash3(a, b, this.#salt), c, d);
    const remote = hash3(hash3(e, f, device), g, h);
    const group = (device >>> 0) % GROUPS;
    this.#bucket = (group * GROUP_BUCKETS + ((remote >>> 0) % GROUP_BUCKETS)) * WAYS;
    for (let slot = this.#bucket; slot < this.#bucket + WAYS; slot++) if (this.#holds(slot)) return slot;
    return -1;
  }

  #holds(slot: number): boolean {
    const words = this.#words;
    const pair = this.#pair;
    for (let i = 0; i < WORDS; i++) if (words[slot * WORDS + i] !== pair[i]) return false;
    return true;
  }

  /** @returns where it stands */
  #note(found: number, state: PairState): number {
    const untils = this.#until;
    let slot = found;
    if (slot < 0) {
      slot = this.#bucket;
      for (let way = slot + 1; way < this.#bucket + WAYS; way++)
        if ((untils[way] as number) < (untils[slot] as number)) slot = way;
      this.#tellOver(slot);
      this.#words.set(this.#pair, slot * WORDS);
      untils[slot] = 0;
    }
    const until = this.now + (state === PairState.tcp ? TCP_SECONDS : OTHER_SECONDS);
    if (until > (untils[slot] as number)) untils[slot] = until;
    return slot;
  }
}

const stateOf = ({ protocol }: IpView): PairState => (protocol === Protocol.tcp ? PairState.tcp : PairState.other);

const isIcmpError = (buffer: Uint8Array, { protocol, fragment, payloadAt, end }: IpView): boolean =>
  protocol === Protocol.icmp6 &&
  fragment !== Fragment.later &&
  payloadAt < end &&
  (buffer[payloadAt] as number) < FIRST_INFORMATIONAL;

/** Whether a packet may be the first of what it belongs to, in so far as that can be seen. */
const begins = (buffer: Uint8Array, { protocol, fragment, payloadAt, end }: IpView): boolean => {
  if (fragment === Fragment.later || payloadAt >= end) return true;
  if (protocol === Protocol.icmp6) return buffer[payloadAt] === ECHO_REQUEST;
  if (protocol !== Protocol.tcp) return false;
  return payloadAt + 14 > end || ((buffer[payloadAt + 13] as number) & SYN_OR_RST) !== 0;
};
