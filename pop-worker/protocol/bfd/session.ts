import type { TimeUs } from '../contract.ts';
import type { Authentication } from './authentication/authentication.ts';
import { Congestion } from './congestion.ts';
import { Detection } from './detection.ts';
import { Drop } from './drop.ts';
import type { Jitter } from './jitter.ts';
import { HOP_LIMIT, MOST_PACKETS_AN_INTERVAL, type SessionOptions } from './options.ts';
import { type ControlPacket, MANDATORY_BYTES, writePacket } from './packet.ts';
import { Parameters, type Timing } from './parameters.ts';
import { PollSequence } from './poll-sequence.ts';
import { Diagnostic, State } from './state.ts';
import { STATS, Stat } from './stats.ts';
import { Event, type Step, stepOf } from './transitions.ts';
import { Transmission } from './transmission.ts';

/** bfd.RemoteMinRxInterval before the peer said one (RFC 5880 §6.8.1). */
const INITIAL_REMOTE_MIN_RX_US = 1;

/** Is told, inside `handle` and commands, of every change of state, and when the peer enters or leaves AdminDown. */
export type OnChange = (session: Session, from: State, now: TimeUs) => void;

export interface SessionParts {
  /** Of the session among those of its `Bfd`, from 0; a later session may have it again. */
  readonly index: number;
  /** Unique among them, not 0. */
  readonly discriminator: number;
  readonly authentication: Authentication | undefined;
  readonly jitter: Jitter;
  /** `STATS.length` elements; shared memory, where others read it. */
  readonly stats?: Float64Array | undefined;
  readonly onChange: OnChange;
  /** By index: when each session has something to do. Looking through it costs next to nothing. */
  readonly deadlines: Float64Array;
}

/** One session with one peer (RFC 5880 §6). Nothing is allocated once it is made. */
export class Session {
  readonly index: number;
  readonly options: SessionOptions;
  readonly discriminator: number;
  readonly stats: Float64Array;
  readonly #leastHopLimit: number;
  readonly #authentication: Authentication | undefined;
  readonly #onChange: OnChange;
  readonly #deadlines: Float64Array;
  readonly #parameters: Parameters;
  readonly #detection = new Detection();
  readonly #transmission: Transmission;
  readonly #poll = new PollSequence();
  readonly #congestion: Congestion | undefined;
  #state: State = State.down;
  #diagnostic: Diagnostic = Diagnostic.none;
  #remoteState: State = State.down;
  #remoteDemand = false;
  #isHeld = false;
  /** The last packet heard had P, and was not answered yet. */
  #owesFinal = false;
  /** The next packet differs from the last in more than P and F. */
  #isChanged = false;
  /** Words of the peer: discriminator, Required Min RX, Desired Min TX, Detect Mult. */
  readonly #remote = Uint32Array.of(0, INITIAL_REMOTE_MIN_RX_US, 0, 0);
  /** Since when packets are counted against the limit, and how many there were. */
  readonly #window = Float64Array.of(Number.NEGATIVE_INFINITY, 0);

  constructor(options: SessionOptions, parts: SessionParts, now: TimeUs) {
    this.index = parts.index;
    this.options = options;
    this.discriminator = parts.discriminator;
    this.stats = parts.stats ?? new Float64Array(STATS.length);
    this.stats.fill(0);
    this.#leastHopLimit = options.multiHop ? (options.leastHopLimit ?? 1) : HOP_LIMIT;
    this.#authentication = parts.authentication;
    this.#onChange = parts.onChange;
    this.#deadlines = parts.deadlines;
    this.#parameters = new Parameters(options);
    this.#transmission = new Transmission(parts.jitter, now);
    this.#congestion = options.multiHop ? new Congestion() : undefined;
    this.stats[Stat.discriminator] = parts.discriminator;
    this.stats[Stat.state] = State.down;
    this.stats[Stat.remoteState] = State.down;
    this.stats[Stat.changedAtUs] = now;
    this.#schedule();
    this.#note();
  }

  get state(): State {
    return this.#state;
  }

  /** The state that the peer reported last. */
  get remoteState(): State {
    return this.#remoteState;
  }

  /** Why the local state changed last. */
  get diagnostic(): Diagnostic {
    return this.#diagnostic;
  }

  get remoteDiscriminator(): number {
    return this.#remote[0] as number;
  }

  /** Until when the peer may be silent, counted from when it was heard; 0 before. */
  get detectionTimeUs(): number {
    return this.#detection.timeUs;
  }

  // ---- commands

  /** Other intervals or another multiplier, while it runs (RFC 5880 §6.8.10 to §6.8.12). */
  setTiming(timing: Timing): void {
    if (this.#parameters.setTiming(timing)) this.#poll.request();
    this.#change();
    this.#note();
  }

  /** Takes it down administratively (RFC 5880 §6.8.16), with why; the peer is told. */
  disable(diagnostic: Diagnostic, now: TimeUs): void {
    if (this.#state === State.adminDown && this.#diagnostic === diagnostic) return;
    this.#become(State.adminDown, diagnostic, now);
    this.#note();
  }

  enable(now: TimeUs): void {
    if (this.#state === State.adminDown) this.#become(State.down, undefined, now);
    this.#note();
  }

  /** Takes it down and keeps it there, but not administratively (RFC 5880 §6.8.15, §6.8.18): what we are has failed. */
  hold(diagnostic: Diagnostic, now: TimeUs): void {
    this.#isHeld = true;
    this.stats[Stat.held] = 1;
    if (this.#state === State.up || this.#state === State.init) this.#become(State.down, diagnostic, now);
    this.#note();
  }

  release(): void {
    this.#isHeld = false;
    this.stats[Stat.held] = 0;
  }

  /** Tells of a failure beyond this path, without taking the session down (RFC 5880 §6.8.17). */
  setConcatenated(diagnostic: Diagnostic): void {
    if (diagnostic === this.#diagnostic) return;
    this.#diagnostic = diagnostic;
    this.stats[Stat.diagnostic] = diagnostic;
    this.#change();
    this.#note();
  }

  // ---- received

  /**
   * Takes a packet that was found to be this session's (RFC 5880 §6.8.6, from authentication on).
   *
   * @param bytes where the whole packet lies at `at`
   * @param hopLimit as it arrived
   */
  receive(packet: ControlPacket, bytes: Uint8Array, at: number, hopLimit: number, now: TimeUs): Drop {
    let drop = this.#minds(packet, bytes, at, hopLimit, now);
    (this.stats[drop === Drop.none ? Stat.received : Stat.discarded] as number)++;
    if (drop === Drop.none) drop = this.#hear(packet, now);
    this.#note();
    return drop;
  }

  #hear(packet: ControlPacket, now: TimeUs): Drop {
    const from = this.#state;
    const remoteFrom = this.#remoteState;
    this.#learn(packet, now);
    if (this.#state === State.adminDown) return Drop.adminDown;
    const step = stepOf(this.#state, packet.state);
    const isKept = this.#isHeld && this.#state === State.down;
    if (!isKept) this.#take(step, now);
    if (this.#state === from) this.#tellOfPeer(remoteFrom, now);
    if (packet.poll) this.#owesFinal = true;
    this.#congestionRelax(now);
    this.#schedule();
    return Drop.none;
  }

  #minds(packet: ControlPacket, bytes: Uint8Array, at: number, hopLimit: number, now: TimeUs): Drop {
    if (hopLimit < this.#leastHopLimit) return Drop.hopLimit;
    if (!this.#admit(now)) return Drop.excess;
    if (packet.authenticated !== (this.#authentication !== undefined)) return Drop.authentication;
    if (this.#authentication?.open(bytes, at, packet.length, packet.detectMult) === false) return Drop.authentication;
    return Drop.none;
  }

  #admit(now: TimeUs): boolean {
    const window = this.#window;
    if (now - (window[0] as number) >= this.#parameters.requiredMinRxUs) {
      window[0] = now;
      window[1] = 0;
    }
    return ++(window[1] as number) <= MOST_PACKETS_AN_INTERVAL;
  }

  #learn(packet: ControlPacket, now: TimeUs): void {
    const remote = this.#remote;
    if (remote[0] !== packet.myDiscriminator) this.#change();
    remote[0] = packet.myDiscriminator;
    remote[1] = packet.requiredMinRxUs;
    remote[2] = packet.desiredMinTxUs;
    remote[3] = packet.detectMult;
    this.#remoteState = packet.state;
    this.#remoteDemand = packet.demand;
    this.stats[Stat.remoteDiscriminator] = packet.myDiscriminator;
    this.stats[Stat.remoteState] = packet.state;
    this.stats[Stat.remoteDiagnostic] = packet.diagnostic;
    this.stats[Stat.remoteIndependent] = packet.independent ? 1 : 0;
    if (!packet.final) this.#poll.onPlain();
    else if (this.#poll.onFinal()) this.#parameters.settle();
    this.#detection.onHeard(now);
    this.#schedule();
  }

  // ---- time

  /** Says when it has something to do, after whatever may have changed that. */
  #note(): void {
    let deadline = this.#detection.deadline;
    if (!this.#mustStaySilent) {
      if (this.#owesFinal || this.#isChanged) deadline = Number.NEGATIVE_INFINITY;
      else if (this.#isPeriodic) deadline = Math.min(deadline, this.#transmission.dueAt);
    }
    this.#deadlines[this.index] = deadline;
  }

  /** The Detection Time may have passed (RFC 5880 §6.8.4, §6.8.1). */
  onTime(now: TimeUs): void {
    if (this.#detection.isSilent(now)) {
      const { next, diagnostic } = stepOf(this.#state, Event.timer);
      const remoteFrom = this.#remoteState;
      if (this.#state === State.up) this.#congestionExpired();
      this.#forgetPeer();
      if (next !== this.#state) this.#become(next, diagnostic, now);
      else this.#tellOfPeer(remoteFrom, now);
      this.#schedule();
    }
    if (this.#detection.isForgotten(now)) this.#authentication?.forget();
    this.#note();
  }

  #forgetPeer(): void {
    this.#remote[0] = 0;
    this.#remote[1] = INITIAL_REMOTE_MIN_RX_US;
    this.#remoteState = State.down;
    this.#remoteDemand = false;
    this.#owesFinal = false;
    this.stats[Stat.remoteDiscriminator] = 0;
    this.stats[Stat.remoteState] = State.down;
    this.#change();
  }

  // ---- sent

  /** A passive end that does not know its peer (RFC 5880 §6.8.7). */
  get #mustStaySilent(): boolean {
    return this.options.passive === true && this.#remote[0] === 0;
  }

  get #isDemandedByPeer(): boolean {
    return this.#remoteDemand && this.#state === State.up && this.#remoteState === State.up;
  }

  get #isPeriodic(): boolean {
    return this.#remote[1] !== 0 && (!this.#isDemandedByPeer || this.#poll.active);
  }

  isDue(now: TimeUs): boolean {
    if (this.#mustStaySilent) return false;
    return this.#owesFinal || this.#isChanged || (this.#isPeriodic && now >= this.#transmission.dueAt);
  }

  /** Writes what is due at `at`. @returns its bytes */
  send(packet: ControlPacket, bytes: Uint8Array, at: number, now: TimeUs): number {
    const authentication = this.#authentication;
    const isFinal = this.#owesFinal;
    packet.diagnostic = this.#diagnostic;
    packet.state = this.#state;
    packet.final = isFinal;
    // RFC 5880 §6.5: never both.
    packet.poll = this.#poll.active && !isFinal;
    // We end with our control plane: a peer must not keep our routes because BFD goes on (RFC 5882 §4.3).
    packet.independent = false;
    packet.authenticated = authentication !== undefined;
    packet.demand = false;
    packet.detectMult = this.#parameters.detectMult;
    packet.length = MANDATORY_BYTES + (authentication?.bytes ?? 0);
    packet.myDiscriminator = this.discriminator;
    packet.yourDiscriminator = this.#remote[0] as number;
    packet.desiredMinTxUs = this.#parameters.desiredMinTxUs;
    packet.requiredMinRxUs = this.#parameters.requiredMinRxUs;
    packet.requiredMinEchoRxUs = 0;
    writePacket(packet, bytes, at);
    authentication?.seal(bytes, at, this.#isChanged);
    if (packet.poll) this.#poll.onSent();
    // §6.5: a Final is independent of the periodic packets.
    if (!isFinal) this.#transmission.onSent(now, this.#parameters.detectMult);
    this.#owesFinal = false;
    this.#isChanged = false;
    (this.stats[Stat.sent] as number)++;
    this.#note();
    return packet.length;
  }

  // ---- changes

  /** The next packet is another one: it leaves at once, and with P where the peer would not hear of it otherwise (§6.6). */
  #change(): void {
    this.#isChanged = true;
    if (this.#isDemandedByPeer) this.#poll.request();
    this.#schedule();
  }

  /** What clients may do depends on it (RFC 5882 §4.1), also where our state stays as it is. */
  #tellOfPeer(from: State, now: TimeUs): void {
    const { adminDown } = State;
    if ((from === adminDown) !== (this.#remoteState === adminDown)) this.#onChange(this, this.#state, now);
  }

  #take({ next, diagnostic }: Step, now: TimeUs): void {
    if (next !== this.#state) this.#become(next, diagnostic, now);
  }

  #become(next: State, diagnostic: Diagnostic | undefined, now: TimeUs): void {
    const from = this.#state;
    this.#state = next;
    if (diagnostic !== undefined) this.#diagnostic = diagnostic;
    if (this.#parameters.setUp(next === State.up)) this.#poll.request();
    if (next === State.up) this.#congestion?.onUp(now);
    const { stats } = this;
    stats[Stat.state] = next;
    stats[Stat.diagnostic] = this.#diagnostic;
    stats[Stat.changedAtUs] = now;
    if (next === State.up) (stats[Stat.toUp] as number)++;
    if (from === State.up) (stats[Stat.fromUp] as number)++;
    this.#change();
    if (from !== next) this.#onChange(this, from, now);
  }

  #congestionExpired(): void {
    const congestion = this.#congestion;
    if (congestion === undefined) return;
    congestion.onExpired();
    if (this.#parameters.setStretch(congestion.stretch)) this.#poll.request();
  }

  #congestionRelax(now: TimeUs): void {
    const congestion = this.#congestion;
    if (congestion?.relax(now) !== true) return;
    if (this.#parameters.setStretch(congestion.stretch)) this.#poll.request();
    this.#change();
  }

  /** Interval and Detection Time follow from what both ends said (RFC 5880 §6.8.2, §6.8.4). */
  #schedule(): void {
    const { desiredInUseUs, requiredInUseUs } = this.#parameters;
    const remote = this.#remote;
    const interval = Math.max(desiredInUseUs, remote[1] as number);
    this.#transmission.update(interval);
    this.#detection.update((remote[3] as number) * Math.max(requiredInUseUs, remote[2] as number));
    this.stats[Stat.transmitIntervalUs] = interval;
    this.stats[Stat.detectionTimeUs] = this.#detection.timeUs;
  }
}
