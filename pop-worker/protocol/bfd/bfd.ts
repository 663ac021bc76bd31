import { type Burst, D_ECN, D_LENGTH, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS, hopLimitOf } from '../burst.ts';
import { type Core, NEVER, type Random, type TimeUs } from '../contract.ts';
import type { Hash } from './authentication/authentication.ts';
import { createAuthentication } from './authentication/table.ts';
import { Demultiplexer } from './demultiplexer.ts';
import { DROP_REASONS, Drop } from './drop.ts';
import { BfdError, BfdErrorCode } from './errors.ts';
import { Jitter } from './jitter.ts';
import {
  checkSession,
  checkTiming,
  MOST_PACKETS_A_SECOND,
  MOST_SESSIONS,
  packetsASecond,
  type SessionOptions,
} from './options.ts';
import { ControlPacket, MOST_BYTES, parsePacket } from './packet.ts';
import type { Timing } from './parameters.ts';
import { type OnChange, Session } from './session.ts';
import { type Diagnostic, State } from './state.ts';

/**
 * What arrived at one receiver; one object serves for all. Without packets it says that a deadline passed: whoever is late
 * hands in what waits at all receivers first, so that no peer is taken for silent that was not.
 */
export interface Arrival {
  readonly burst: Burst;
  /** Of the receiver: what sessions there were opened with. */
  binding: number;
}

/** One packet to send, from the source port of its session to its peer's port. */
export class Departure {
  readonly bytes = new Uint8Array(MOST_BYTES);
  length = 0;
  session: Session | undefined;
}

export interface BfdParts {
  readonly random: Random;
  readonly hash: Hash;
  /** A session came to another state. It may be given commands, no input. */
  readonly onChange: OnChange;
}

/** All BFD sessions of a system (RFC 5880): datagrams to sessions, sessions with something to send in turns. */
export class Bfd implements Core<Arrival, Departure> {
  /** Packets that came to nothing, by `Drop`. */
  readonly dropped = new Float64Array(DROP_REASONS.length + 1);
  readonly #parts: BfdParts;
  readonly #jitter: Jitter;
  readonly #demultiplexer: Demultiplexer;
  readonly #packet = new ControlPacket();
  /** When each session has something to do, by index; NEVER where there is none. */
  readonly #deadlines = new Float64Array(MOST_SESSIONS).fill(NEVER);
  /** Timing of each session, by index, for the limit. */
  readonly #timings: (Timing | undefined)[] = [];
  /** Why all sessions are held down; undefined: they are not. */
  #held: Diagnostic | undefined;
  /** Sessions before it had their turn in this round of `poll`. */
  #turn = 0;

  constructor(parts: BfdParts) {
    this.#parts = parts;
    this.#jitter = new Jitter(parts.random);
    this.#demultiplexer = new Demultiplexer(parts.random);
  }

  get size(): number {
    return this.#demultiplexer.size;
  }

  /** Sessions have indices below it. */
  get places(): number {
    return this.#demultiplexer.places;
  }

  at(index: number): Session | undefined {
    return this.#demultiplexer.at(index);
  }

  /**
   * @param stats of the session, where the index it will have is known to be that of this memory
   * @throws BfdError when it cannot be had
   */
  open(options: SessionOptions, now: TimeUs, stats?: (index: number) => Float64Array): Session {
    checkSession(options);
    this.#checkRate(options);
    const { random, hash, onChange } = this.#parts;
    const { authentication: wanted } = options;
    const authentication = wanted && createAuthentication(wanted, hash, random);
    const { index, discriminator } = this.#demultiplexer.reserve(options);
    const parts = {
      ...{ index, discriminator, authentication, onChange },
      ...{ jitter: this.#jitter, stats: stats?.(index), deadlines: this.#deadlines },
    };
    const session = new Session(options, parts, now);
    this.#demultiplexer.add(session);
    this.#timings[index] = options;
    if (this.#held !== undefined) session.hold(this.#held, now);
    return session;
  }

  /** Forgets a session at once; the peer finds out by itself, unless it was disabled for a Detection Time before. */
  close(session: Session): void {
    if (this.at(session.index) !== session) return;
    this.#demultiplexer.remove(session);
    this.#timings[session.index] = undefined;
    this.#deadlines[session.index] = NEVER;
  }

  /** @throws BfdError when the timing is impossible, or too much together with that of others */
  setTiming(session: Session, timing: Timing): void {
    checkTiming(timing);
    this.#checkRate(timing, session.index);
    this.#timings[session.index] = timing;
    session.setTiming(timing);
  }

  /** Takes all sessions down, those to come as well, and keeps them there: the system behind them has failed. */
  hold(diagnostic: Diagnostic, now: TimeUs): void {
    this.#held = diagnostic;
    for (let i = 0; i < this.places; i++) this.at(i)?.hold(diagnostic, now);
  }

  release(): void {
    this.#held = undefined;
    for (let i = 0; i < this.places; i++) this.at(i)?.release();
  }

  handle({ burst, binding }: Arrival, now: TimeUs): void {
    const { words, buffer } = burst;
    for (let i = 0; i < burst.count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const offset = words[at + D_OFFSET] as number;
      const segment = Math.max(words[at + D_SEGMENT] as number, 1);
      const end = offset + (words[at + D_LENGTH] as number);
      const hopLimit = hopLimitOf(words[at + D_ECN] as number);
      for (let from = offset; from < end; from += segment) {
        const length = Math.min(segment, end - from);
        (this.dropped[this.#receive(buffer, from, length, binding, words, at + D_REMOTE, hopLimit, now)] as number)++;
      }
    }
    if (burst.count === 0) this.#onTime(now);
    this.#turn = 0;
  }

  poll(now: TimeUs, out: Departure): boolean {
    const { places } = this;
    for (; this.#turn < places; this.#turn++) {
      if ((this.#deadlines[this.#turn] as number) > now) continue;
      const session = this.at(this.#turn);
      if (session?.isDue(now) !== true) continue;
      out.length = session.send(this.#packet, out.bytes, 0, now);
      out.session = session;
      return true;
    }
    this.#turn = 0;
    return false;
  }

  deadline(): TimeUs {
    let first = NEVER;
    const { places } = this;
    for (let i = 0; i < places; i++) {
      const deadline = this.#deadlines[i] as number;
      if (deadline < first) first = deadline;
    }
    return first;
  }

  #onTime(now: TimeUs): void {
    for (let i = 0; i < this.places; i++) if ((this.#deadlines[i] as number) <= now) this.at(i)?.onTime(now);
  }

  #receive(
    buffer: Uint8Array,
    at: number,
    length: number,
    binding: number,
    remote: Int32Array,
    remoteAt: number,
    hopLimit: number,
    now: TimeUs,
  ): Drop {
    const packet = this.#packet;
    const fault = parsePacket(buffer, at, length, packet);
    if (fault !== Drop.none) return fault;
    const { yourDiscriminator, state } = packet;
    if (yourDiscriminator === 0 && state !== State.down && state !== State.adminDown) return Drop.state;
    const session =
      yourDiscriminator === 0
        ? this.#demultiplexer.byPath(binding, remote, remoteAt)
        : this.#demultiplexer.byDiscriminator(yourDiscriminator);
    if (session === undefined) return Drop.unknownSession;
    return session.receive(packet, buffer, at, hopLimit, now);
  }

  #checkRate(timing: Timing, except = -1): void {
    let sum = packetsASecond(timing);
    for (const [i, other] of this.#timings.entries())
      if (other !== undefined && i !== except) sum += packetsASecond(other);
    if (sum <= MOST_PACKETS_A_SECOND) return;
    throw new BfdError(
      BfdErrorCode.tooManyPackets,
      `All BFD sessions together would be ${Math.ceil(sum)} packets a second, and ${MOST_PACKETS_A_SECOND} are the most: give some longer intervals.`,
    );
  }
}
