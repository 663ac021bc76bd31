import { nowUs } from '#host/clock/clock.ts';
import { PreciseTimer } from '#host/clock/timer.ts';
import { systemHash } from '#host/hash/hash.ts';
import { systemRandom } from '#host/random/random.ts';
import { Beats } from '#host/thread/beats.ts';
import { Guard, ordinaryThreads } from '#host/thread/guard.ts';
import { addressOf } from '#host/udp/address.ts';
import { type Arrival, Bfd, Departure } from '#protocol/bfd/bfd.ts';
import { BfdError, BfdErrorCode } from '#protocol/bfd/errors.ts';
import type { Timing } from '#protocol/bfd/parameters.ts';
import type { Session } from '#protocol/bfd/session.ts';
import { Diagnostic, type State } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { Burst } from '#protocol/burst.ts';
import { NEVER, type TimeUs } from '#protocol/contract.ts';
import { BfdMetrics } from './bfd-metrics.ts';
import type { BfdCommand, BfdNotice } from './messages.ts';
import { type BfdSessionConfig, type BfdThreadSetup, rowOf } from './setup.ts';
import { type Receiver, type Sender, SocketError, Sockets } from './sockets.ts';

/** Packets taken from one receiver before others have their turn; who sends more waits in the kernel for `PAUSE_US`. */
const BURST_PACKETS = 64;
const SLOT_BYTES = 256;
const PAUSE_US = 1000;
const LATE_US = 2000;
const MOST_PRIORITY = 99;
/** What becomes of a session so soon after we were later than its packets are apart is our own doing. */
const OWN_DOING_US = 1_000_000;
/** Sockets that could not be opened are tried again after it. */
const RETRY_US = 1_000_000;
/** A session that is closed says AdminDown for so long: two packets at the slow rate. */
const LINGER_US = 2_500_000;
/** So many packets in a row that the kernel does not take, and the sockets are opened anew. */
const MOST_UNSENT = 3;

type RunnerCommand = Exclude<BfdCommand, { type: 'seat' }>;

/** A session with its sockets; without while they cannot be opened. */
interface Entry {
  readonly id: number;
  readonly config: BfdSessionConfig;
  session: Session | undefined;
  receiver: Receiver | undefined;
  sender: Sender | undefined;
  /** That it sends from, as long as it can (RFC 5881 §4). */
  port: number | undefined;
  /** Timing and administrative state as they were asked for last. */
  timing: Timing;
  disabled: Diagnostic | undefined;
  /** When it is to be forgotten, or opened again; NEVER for neither. */
  dueAt: TimeUs;
  isClosing: boolean;
  /** What was said of its sockets last. */
  trouble: string;
  /** Packets in a row that the kernel did not take. */
  unsent: number;
}

const isSamePath = (one: BfdSessionConfig, other: BfdSessionConfig): boolean =>
  one.local === other.local &&
  one.remote === other.remote &&
  one.device === other.device &&
  one.multiHop === other.multiHop;

/** All of a BFD thread but the thread: sockets, timer, the core between them, and the beats of other threads. */
export class BfdRunner {
  readonly metrics: BfdMetrics;
  readonly bfd: Bfd;
  readonly #setup: BfdThreadSetup;
  readonly #notify: (notice: BfdNotice) => void;
  readonly #sockets: Sockets;
  readonly #entries = new Map<number, Entry>();
  /** By the session's index. */
  readonly #bySession: (Entry | undefined)[] = [];
  readonly #arrival: Arrival = { burst: new Burst(BURST_PACKETS * SLOT_BYTES, BURST_PACKETS), binding: 0 };
  readonly #departure = new Departure();
  readonly #timer = new PreciseTimer(() => this.#onTimer());
  readonly #lookout = new PreciseTimer(() => this.#look());
  readonly #beats: Beats;
  readonly #beat: Float64Array;
  /** When the timer is set for, when paused receivers go on, when the next entry is due, when to look at the beats. */
  readonly #times = Float64Array.of(NEVER, NEVER, NEVER, NEVER);
  readonly #guard: Guard | undefined;
  /** When this thread was late last, and by how much. */
  readonly #late = Float64Array.of(Number.NEGATIVE_INFINITY, 0);
  readonly #paused: Receiver[] = [];
  #unopened = 0;

  constructor(setup: BfdThreadSetup, realtime: boolean, notify: (notice: BfdNotice) => void) {
    this.#setup = setup;
    this.#notify = notify;
    this.metrics = new BfdMetrics(new Float64Array(setup.slots), realtime);
    this.#sockets = new Sockets((receiver) => this.#onReadable(receiver));
    const now = nowUs();
    this.#beats = new Beats(setup.watched, now);
    this.#beat = new Float64Array(setup.beat);
    // What V8 compiles or collects for us is done by ordinary threads, and those hold locks that we take.
    this.#guard = realtime ? Guard.over(ordinaryThreads(), Math.min(setup.priority + 1, MOST_PRIORITY)) : undefined;
    this.bfd = new Bfd({
      random: systemRandom,
      hash: systemHash,
      onChange: (session, from, at) => this.#onChange(session, from, at),
    });
    this.#look();
  }

  handle(command: RunnerCommand): void {
    const now = nowUs();
    switch (command.type) {
      case 'open':
        this.#open(command.id, command.config, now);
        break;
      case 'stop':
        for (const { session } of this.#entries.values()) session?.disable(Diagnostic.administrativelyDown, now);
        break;
      default: {
        const entry = this.#entries.get(command.id);
        if (entry !== undefined && !entry.isClosing) this.#change(entry, command, now);
      }
    }
    this.#flush(now);
  }

  /** Ends at once; peers find out by themselves unless sessions were disabled before. */
  close(): void {
    for (const entry of this.#entries.values()) this.#forget(entry);
    this.#timer.close();
    this.#lookout.close();
    this.#guard?.close();
    this.#beats.close();
  }

  // ---- commands

  #open(id: number, config: BfdSessionConfig, now: TimeUs): void {
    const rest = { session: undefined, receiver: undefined, sender: undefined, port: undefined, disabled: undefined };
    const entry: Entry = {
      id,
      config,
      ...rest,
      timing: config,
      dueAt: NEVER,
      isClosing: false,
      trouble: '',
      unsent: 0,
    };
    // Who comes back does not wait until the session it had has said good-bye.
    for (const other of [...this.#entries.values()]) {
      if (other.isClosing && isSamePath(other.config, config)) this.#forget(other);
    }
    this.#entries.set(id, entry);
    this.#tryOpen(entry, now);
  }

  #tryOpen(entry: Entry, now: TimeUs): void {
    const { id, config, timing } = entry;
    try {
      const remote = addressOf(config.remote);
      const { receiver, sender } = this.#sockets.open(config);
      try {
        const options = { ...config, ...timing, remote, binding: receiver.binding };
        const session = this.bfd.open(options, now, (index) => rowOf(this.#setup.table, index));
        this.#bySession[session.index] = entry;
        Object.assign(entry, { session, receiver, sender, port: sender.port, dueAt: NEVER });
        if (entry.disabled !== undefined) session.disable(entry.disabled, now);
        this.#notify({ type: 'opened', id, index: session.index });
      } catch (error) {
        this.#sockets.close(receiver, sender, config);
        throw error;
      }
    } catch (error) {
      this.#onUnopened(entry, error, now);
    }
    this.#reschedule();
  }

  /** An interface that was removed and made anew is another one to the kernel: sockets that were bound to it are of no use. */
  #reopen(entry: Entry): void {
    const { config, receiver, sender, port } = entry;
    entry.unsent = 0;
    if (receiver !== undefined && sender !== undefined) this.#closeSockets(receiver, sender, config);
    try {
      Object.assign(entry, this.#sockets.open(config, port));
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      // The session stays, and so does what it has to say: it is tried again with what it says next.
      Object.assign(entry, { receiver: undefined, sender: undefined });
    }
  }

  #closeSockets(receiver: Receiver, sender: Sender, config: BfdSessionConfig): void {
    this.#sockets.close(receiver, sender, config);
    if (receiver.users > 0) return;
    const paused = this.#paused.indexOf(receiver);
    if (paused >= 0) this.#paused.splice(paused, 1);
  }

  #onUnopened(entry: Entry, error: unknown, now: TimeUs): void {
    const { id } = entry;
    if (error instanceof SocketError) {
      entry.dueAt = now + RETRY_US;
      if (entry.trouble !== error.message) this.#notify({ type: 'unopened', id, message: error.message });
      entry.trouble = error.message;
      return;
    }
    if (!(error instanceof BfdError || error instanceof TypeError)) throw error;
    this.metrics.refused(error instanceof BfdError ? error.code : BfdErrorCode.invalid);
    this.#entries.delete(id);
    this.#notify({ type: 'refused', id, message: error.message });
  }

  #change(entry: Entry, command: Exclude<RunnerCommand, { type: 'open' | 'stop' }>, now: TimeUs): void {
    const { session } = entry;
    switch (command.type) {
      case 'close':
        entry.isClosing = true;
        session?.disable(Diagnostic.administrativelyDown, now);
        entry.dueAt = session === undefined ? now : now + LINGER_US;
        this.#reschedule();
        return;
      case 'disable':
        entry.disabled = command.diagnostic;
        session?.disable(command.diagnostic, now);
        return;
      case 'enable':
        entry.disabled = undefined;
        session?.enable(now);
        return;
      case 'timing':
        this.#setTiming(entry, command.timing);
    }
  }

  #setTiming(entry: Entry, timing: Timing): void {
    try {
      if (entry.session !== undefined) this.bfd.setTiming(entry.session, timing);
      entry.timing = timing;
    } catch (error) {
      if (!(error instanceof BfdError)) throw error;
      this.metrics.refused(error.code);
      this.#notify({ type: 'kept', id: entry.id, message: error.message });
    }
  }

  #forget(entry: Entry): void {
    const { id, config, session, receiver, sender } = entry;
    this.#entries.delete(id);
    if (session === undefined) return;
    this.bfd.close(session);
    this.#bySession[session.index] = undefined;
    if (receiver !== undefined && sender !== undefined) this.#closeSockets(receiver, sender, config);
  }

  /** Entries are due seldom: each is looked at. */
  #reschedule(): void {
    this.#unopened = 0;
    let first = NEVER;
    for (const { session, isClosing, dueAt } of this.#entries.values()) {
      if (session === undefined && !isClosing) this.#unopened++;
      first = Math.min(first, dueAt);
    }
    this.#times[2] = first;
  }

  #serveEntries(now: TimeUs): void {
    for (const entry of [...this.#entries.values()]) {
      if (now < entry.dueAt) continue;
      if (entry.isClosing) this.#forget(entry);
      else this.#tryOpen(entry, now);
    }
    this.#reschedule();
  }

  // ---- packets and time

  #onReadable(receiver: Receiver): void {
    const now = nowUs();
    if (this.#receive(receiver, now) === BURST_PACKETS) this.#pause(receiver, now);
    this.#flush(now);
  }

  /** @returns how many packets there were */
  #receive(receiver: Receiver, now: TimeUs): number {
    const { burst } = this.#arrival;
    burst.clear();
    receiver.socket.receive(burst);
    const { count } = burst;
    if (count === 0) return 0;
    this.metrics.received(count);
    this.#arrival.binding = receiver.binding;
    this.bfd.handle(this.#arrival, now);
    return count;
  }

  /** Nobody who floods one receiver has more of this thread, which goes before all others, than that. */
  #pause(receiver: Receiver, now: TimeUs): void {
    this.#sockets.listen(receiver, false);
    this.#paused.push(receiver);
    this.#times[1] = now + PAUSE_US;
  }

  #onTimer(): void {
    const now = nowUs();
    const lateUs = Math.max(0, now - (this.#times[0] as number));
    this.metrics.late(lateUs);
    // The machine, and not a neighbour, was silent: what has arrived meanwhile counts first.
    if (lateUs > LATE_US) {
      if (now - (this.#late[0] as number) > OWN_DOING_US || lateUs > (this.#late[1] as number)) {
        this.#late[0] = now;
        this.#late[1] = lateUs;
      }
      for (const receiver of this.#sockets.receivers) this.#receive(receiver, now);
    }
    if (now >= (this.#times[1] as number)) {
      this.#times[1] = NEVER;
      for (const receiver of this.#paused) this.#sockets.listen(receiver, true);
      this.#paused.length = 0;
    }
    if (now >= (this.#times[2] as number)) this.#serveEntries(now);
    this.#arrival.burst.clear();
    this.bfd.handle(this.#arrival, now);
    this.#flush(now);
  }

  #flush(now: TimeUs): void {
    const departure = this.#departure;
    while (this.bfd.poll(now, departure)) {
      const entry = this.#bySession[(departure.session as Session).index] as Entry;
      const isTaken = entry.sender?.send(departure.bytes, departure.length) === true;
      this.metrics.sent(isTaken);
      entry.unsent = isTaken ? 0 : entry.unsent + 1;
      if (entry.unsent >= MOST_UNSENT) this.#reopen(entry);
    }
    const times = this.#times;
    times[0] = Math.min(this.bfd.deadline(), times[1] as number, times[2] as number);
    this.#timer.arm(times[0] as number);
    const lent = this.#guard?.due(Math.min(times[0] as number, times[3] as number));
    if (lent !== undefined) this.metrics.lent(lent);
  }

  // ---- other threads

  #look(): void {
    const now = nowUs();
    const beats = this.#beats;
    const wasHeld = beats.missing !== undefined;
    const silent = beats.look(now);
    this.#beat[0] = now;
    if (silent !== undefined) {
      // Not administratively: peers must send what they have elsewhere (RFC 5882 §3.2, RFC 5880 §6.8.15).
      this.bfd.hold(Diagnostic.forwardingPlaneReset, now);
      this.metrics.missed(silent.thread);
      this.#notify({ type: 'held', thread: silent.thread });
    } else if (wasHeld && beats.missing === undefined) {
      this.bfd.release();
      this.#notify({ type: 'held', thread: undefined });
    }
    this.metrics.droppedByKernel(this.#sockets.takeDrops());
    this.metrics.collect(this.bfd, this.#unopened, beats);
    this.#times[3] = now + beats.periodUs;
    this.#flush(now);
    this.#lookout.arm(now + beats.periodUs);
  }

  #wasLateFor({ stats }: Session, now: TimeUs): boolean {
    const isRecent = now - (this.#late[0] as number) < OWN_DOING_US;
    return isRecent && (this.#late[1] as number) > (stats[Stat.transmitIntervalUs] as number);
  }

  #onChange(session: Session, from: State, now: TimeUs): void {
    const { state, remoteState, diagnostic, stats } = session;
    if (from !== state) this.metrics.changed(from, state, remoteState, diagnostic);
    const entry = this.#bySession[session.index];
    if (entry === undefined || entry.isClosing) return;
    this.#notify({
      type: 'changed',
      id: entry.id,
      from,
      to: state,
      remoteState,
      diagnostic,
      remoteDiagnostic: stats[Stat.remoteDiagnostic] as number,
      remoteIndependent: stats[Stat.remoteIndependent] === 1,
      isOwn: diagnostic === Diagnostic.forwardingPlaneReset || this.#wasLateFor(session, now),
      atUs: now,
    });
  }
}
