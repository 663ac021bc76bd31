import { NEVER, type TimeUs } from '../../contract.ts';

/** RFC 9000 §14.3: BASE_PLPMTU and MIN_PLPMTU. */
export const BASE_DATAGRAM_BYTES = 1200;
/** RFC 8899 §5.1.2: MAX_PROBES. */
const MAX_PROBES = 3;
/** RFC 8899 §5.1.1: PMTU_RAISE_TIMER. */
const RAISE_US = 600_000_000;
/** How long after a black hole larger sizes are not tried. */
const BLACK_HOLE_PAUSE_US = 60_000_000;
/** Bursts of losses that hit large packets only, before the path is taken for a black hole (RFC 8899 §4.3). */
const BLACK_HOLE_BURSTS = 4;
/** Consecutive probe timeouts that are taken for one. */
const BLACK_HOLE_TIMEOUTS = 3;
/** The search ends when less than this is to be gained. */
const USEFUL_GAIN_BYTES = 16;

/**
 * UDP payloads worth trying before halves are: what a 1280-byte inner IPv6 packet needs in a tunnel, Ethernet under IPv6
 * and IPv4, and the usual larger links (RFC 8899 §5.3.2: a table of common sizes).
 */
const COMMON_SIZES = [1331, 1452, 1472, 4052, 8952, 16_332, 65_507];

export interface MtuOptions {
  /** What local interface and address family allow: 1452 for IPv6 and 1472 for IPv4 over Ethernet. */
  readonly cap?: number;
  /** A size that is known to pass, 1200 or more: what Initial packets were padded to. */
  readonly initial?: number;
}

/** Finds the largest datagram that a path takes: DPLPMTUD (RFC 8899, RFC 9000 §14.3). Sizes are UDP payloads in bytes. */
export class Mtu {
  #current: number;
  #cap: number;
  #peerLimit = 65_527;
  /** The search knows that nothing above passes. */
  #upper: number;
  /** When to search (again). */
  #searchAt: TimeUs = NEVER;
  #probed = 0;
  #probeInFlight = false;
  #failures = 0;
  #suspectBursts = 0;
  /** The smallest packet of those bursts. */
  #suspectBytes = 0;

  constructor(options: MtuOptions = {}) {
    this.#current = Math.max(BASE_DATAGRAM_BYTES, options.initial ?? BASE_DATAGRAM_BYTES);
    this.#cap = options.cap ?? 1452;
    this.#upper = this.#limit;
  }

  /** Largest UDP payload to send now, in bytes. */
  get datagramBytes(): number {
    return Math.min(this.#current, Math.max(BASE_DATAGRAM_BYTES, this.#peerLimit));
  }

  get #limit(): number {
    return Math.max(BASE_DATAGRAM_BYTES, Math.min(this.#cap, this.#peerLimit));
  }

  /** A search is under way, or will be at once. */
  isSearching(now: TimeUs): boolean {
    return this.#probeInFlight || this.#searchAt <= now;
  }

  /** The handshake is complete: RFC 9000 §14.3.1. */
  start(now: TimeUs): void {
    if (this.#searchAt === NEVER) this.#searchAt = now;
  }

  /** Another path: nothing is known of it (RFC 9000 §14.2). @param cap what its interface and address family allow */
  reset(now: TimeUs, cap: number = this.#cap): void {
    this.#cap = cap;
    this.#fallBack(now);
  }

  /**
   * @returns the size of the probe to send now in bytes, 0 for none. It is sent as one packet of PING and PADDING with
   * `PacketFlag.mtuProbe`.
   */
  nextProbe(now: TimeUs): number {
    if (this.#probeInFlight || now < this.#searchAt) return 0;
    // A failed size is tried again (up to MAX_PROBES), whatever else there is.
    if (this.#failures === 0) this.#probed = this.#nextSize();
    if (this.#probed === 0) {
      this.#searchAt = now + RAISE_US;
      this.#upper = this.#limit;
      return 0;
    }
    return this.#probed;
  }

  onProbeSent(_now: TimeUs, bytes: number): void {
    this.#probed = bytes;
    this.#probeInFlight = true;
  }

  onProbeAcked(bytes: number): void {
    if (bytes === this.#probed) this.#endProbe();
    // A probe may be acknowledged after it was taken for lost.
    this.confirm(bytes);
  }

  onProbeLost(bytes: number): void {
    if (!this.#probeInFlight || bytes !== this.#probed) return;
    this.#probeInFlight = false;
    this.#failures++;
    if (this.#failures < MAX_PROBES) return;
    this.#failures = 0;
    this.#upper = bytes - 1;
  }

  /** A datagram of this size arrived: a padded Initial, for example. */
  confirm(bytes: number): void {
    if (bytes <= this.#current) return;
    this.#current = bytes;
    this.#upper = Math.max(this.#upper, bytes);
    this.#suspectBursts = 0;
  }

  /** An ordinary packet was acknowledged. */
  onPacketAcked(bytes: number): void {
    if (this.#suspectBursts > 0 && bytes >= this.#suspectBytes) this.#suspectBursts = 0;
  }

  /** Ordinary packets were lost together. @param smallestBytes the smallest of them */
  onPacketsLost(now: TimeUs, smallestBytes: number): void {
    // Where small packets are lost too, size is not to blame.
    if (smallestBytes <= BASE_DATAGRAM_BYTES || this.#current <= BASE_DATAGRAM_BYTES) return;
    this.#suspectBytes = this.#suspectBursts === 0 ? smallestBytes : Math.min(this.#suspectBytes, smallestBytes);
    this.#suspectBursts++;
    if (this.#suspectBursts >= BLACK_HOLE_BURSTS) this.#fallBack(now + BLACK_HOLE_PAUSE_US);
  }

  /** A probe timeout expired for the nth time in a row: a path that swallows large packets never acknowledges any. */
  onProbeTimeout(now: TimeUs, count: number): void {
    if (count >= BLACK_HOLE_TIMEOUTS && this.#current > BASE_DATAGRAM_BYTES) this.#fallBack(now);
  }

  /** The peer's max_udp_payload_size (RFC 9000 §18.2). */
  setPeerLimit(bytes: number): void {
    this.#peerLimit = bytes;
    this.#upper = Math.min(this.#upper, this.#limit);
  }

  /** The kernel refused a datagram of this size (EMSGSIZE). A validated ICMP message names the size that fits, plus 1. */
  onTooLarge(now: TimeUs, bytes: number): void {
    // RFC 9000 §14.2.1: nobody may talk us below 1200 bytes.
    if (bytes <= BASE_DATAGRAM_BYTES) return;
    if (bytes <= this.#current) this.#fallBack(now);
    this.#upper = Math.min(this.#upper, bytes - 1);
    if (this.#probed >= bytes) this.#endProbe();
  }

  #endProbe(): void {
    this.#probeInFlight = false;
    this.#failures = 0;
    this.#probed = 0;
  }

  #fallBack(searchAt: TimeUs): void {
    this.#current = BASE_DATAGRAM_BYTES;
    this.#endProbe();
    this.#suspectBursts = 0;
    this.#upper = this.#limit;
    if (this.#searchAt !== NEVER) this.#searchAt = searchAt;
  }

  /** 0: the search is over. */
  #nextSize(): number {
    const current = this.#current;
    const upper = Math.min(this.#upper, this.#limit);
    if (upper <= current) return 0;
    for (const size of COMMON_SIZES) {
      if (size > current && size <= upper) return size;
    }
    const nothingFailed = upper === this.#limit;
    if (nothingFailed) return upper;
    if (upper - current < USEFUL_GAIN_BYTES) return 0;
    return Math.ceil((current + upper) / 2);
  }
}
