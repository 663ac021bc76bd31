import type { Burst } from '../burst.ts';
import { NEVER, type TimeUs } from '../contract.ts';
import type { CloseInfo } from './api.ts';
import type { Farewell } from './close.ts';
import { CloseWriter } from './close-writer.ts';
import { Commands } from './commands.ts';
import { type ConnectionHost, type ConnectionOptions, makeParts, type ServerToken } from './connection-parts.ts';
import { drop } from './dropped.ts';
import { localError, QuicError, TransportError } from './errors.ts';
import { exceededBy } from './exceeded.ts';
import { initialBytes } from './initial-size.ts';
import { type MigrationRefusal, migrate } from './migration.ts';
import { Packer } from './packer.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Receiver } from './receiver.ts';
import { Space } from './recovery/recovery.ts';
import { Timers } from './timers.ts';

/** All that a peer is told of a bug. */
const INTERNAL = 'internal error';
/**
 * No connection that is over is remembered longer, though three times the PTO be more (a SHOULD of RFC 9000 §10.2): how
 * long that is, is the peer's to say (max_ack_delay up to 16 s, slow ACKs), and each takes one of `maxConnections`.
 */
const MAX_LINGER_US = 10_000_000;

/**
 * One QUIC connection, client or server, without socket, clock or randomness of its own (`../contract.ts`). What it does
 * is in its parts; here they are wired: datagrams to the receiver, bursts from the packer, time to the timers, errors to
 * the closer.
 */
export class Connection extends Commands {
  /** Place in the endpoint's lists; the endpoint's own. */
  slot = -1;
  heapIndex = -1;
  heapKey: TimeUs = NEVER;
  queued = false;
  /** The latest token that the server gave for a later connection (RFC 9000 §8.1.3). */
  newToken: ServerToken | undefined;
  readonly parts: Parts;
  readonly #host: ConnectionHost;
  readonly #receiver: Receiver;
  readonly #packer: Packer;
  #closeWriter: CloseWriter | undefined;
  /** By the limit before validation (RFC 9000 §8.1). */
  #blocked = false;
  readonly #timers: Timers;

  constructor(options: ConnectionOptions) {
    super();
    // No closure may see `options`: what only the beginning needs is not to live as long as the connection.
    const { host, now } = options;
    this.#host = host;
    this.parts = makeParts(this, options);
    this.#receiver = new Receiver(this.parts, options.scid.length);
    this.#packer = new Packer(this.parts);
    this.#timers = new Timers(this.parts, now);
    this.attach(this.parts, () => host.wake(this), host.answered);
    this.parts.observer = host.observe(this, now);
    this.#guard(now, () => this.parts.handshake.advance(now));
  }

  /** Nothing more will come of it: it can be forgotten. */
  get isGone(): boolean {
    return this.parts.closer.phase === 'closed';
  }

  /** Somebody else keeps what is to be kept of it. @returns what it says to whoever goes on sending, if anything */
  discard(now: TimeUs): Farewell | undefined {
    const { closer, observer } = this.parts;
    const { phase, farewell, reason } = closer;
    closer.discard();
    observer?.settled(now);
    // RFC 9001 §6.6: after too many forgeries no packet is answered any more.
    return phase === 'closing' && reason?.code !== TransportError.aeadLimitReached ? farewell : undefined;
  }

  /** Nothing is read any more, and nothing new is sent (RFC 9000 §10.2). */
  get isOver(): boolean {
    const { phase, farewell } = this.parts.closer;
    return phase === 'draining' || (phase === 'closing' && farewell !== undefined);
  }

  /**
   * Datagrams of one run from one address, all for this connection: `segment` bytes each, the last maybe less. The bytes
   * are changed in place.
   */
  receive(
    buffer: Uint8Array,
    start: number,
    end: number,
    segment: number,
    ecn: number,
    remote: Int32Array,
    remoteAt: number,
    local: Int32Array,
    localAt: number,
    now: TimeUs,
  ): void {
    const { parts } = this;
    const { counters, closer } = parts;
    counters.bytesReceived += end - start;
    counters.datagramsReceived += Math.ceil((end - start) / segment);
    parts.observer?.datagramsReceived(end - start, segment, ecn, now);
    const path = this.#pathOf(remote, remoteAt, local, localAt);
    if (path === undefined) {
      drop(parts, 'droppedAddress', undefined, end - start, now);
      return;
    }
    path.bytesReceived += end - start;
    if (!closer.isOpen) {
      drop(parts, 'droppedClosed', undefined, end - start, now);
      return;
    }
    try {
      parts.streams.tick(now, parts.recovery.rtt.smoothedUs);
      this.#receiver.receive(buffer, start, end, segment, ecn, path, now);
      this.#timers.onReceived(now);
      this.#noteAmplification();
    } catch (error) {
      this.#caught(error, now);
    }
    parts.observer?.settled(now);
  }

  /** Clients drop what comes from elsewhere, servers before confirmation (RFC 9000 §9, §9.3). */
  #pathOf(remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): Path | undefined {
    const { paths, isServer, handshake } = this.parts;
    const path = paths.find(remote, remoteAt, local, localAt);
    if (path !== undefined || !isServer || !handshake.isConfirmed) return path;
    return paths.candidate(remote, remoteAt, local, localAt);
  }

  /** The datagram ends with a reset token of the peer's (RFC 9000 §10.3.1). */
  isReset(buffer: Uint8Array, start: number, end: number): boolean {
    return this.parts.closer.isOpen && this.#receiver.isReset(buffer, start, end);
  }

  /** TLS in another thread has something to say. */
  onTls(now: TimeUs): void {
    this.parts.handshake.wake();
    this.#guard(now, () => this.#receiver.advance(now));
  }

  onTimeout(now: TimeUs): void {
    const { closer } = this.parts;
    if (closer.isOpen) this.#guard(now, () => this.#timers.onTimeout(now));
    else closer.onTimeout(now);
    this.parts.observer?.settled(now);
  }

  /**
   * Gives the peer new connection IDs in place of all those that it has (for a change of routing).
   *
   * @returns false: it has not given up those of the last time, or there are none yet
   */
  replaceCids(): boolean {
    const { closer, handshake, localCids } = this.parts;
    if (!closer.isOpen || !handshake.isConfirmed || !localCids.replaceAll()) return false;
    this.#host.wake(this);
    return true;
  }

  /** Moves to new 1-RTT keys (RFC 9001 §6.1). @returns `false`: it is too early to */
  updateKeys(): boolean {
    const { keys } = this.parts;
    if (!keys.mayUpdate) return false;
    keys.update();
    return true;
  }

  /**
   * A client moves to another local address (RFC 9000 §9.2).
   *
   * @param local six words (`../address.ts`), all zero: the kernel chooses
   * @returns why it cannot, undefined when it does
   */
  migrate(local: Int32Array, now: TimeUs): MigrationRefusal | undefined {
    const refusal = migrate(this.parts, local, now);
    if (refusal === undefined) this.#host.wake(this);
    return refusal;
  }

  deadline(): TimeUs {
    const { closer } = this.parts;
    return closer.isOpen ? this.#timers.deadline() : closer.deadline();
  }

  /** Writes what is to be sent. @returns `true` when there may be more at once */
  poll(now: TimeUs, burst: Burst): boolean {
    const { parts } = this;
    try {
      if (!parts.closer.isOpen) {
        parts.closer.start(now);
        this.#closeWriter ??= new CloseWriter(parts);
        const more = this.#closeWriter.write(now, burst);
        parts.observer?.settled(now);
        return more;
      }
      parts.streams.tick(now, parts.recovery.rtt.smoothedUs);
      const more = this.#packer.poll(now, burst);
      if (!parts.closer.isOpen) return false;
      this.#timers.onPolled(now, this.#packer.pacedUntil);
      this.#noteAmplification();
      this.#noteDatagrams();
      parts.observer?.settled(now);
      return more;
    } catch (error) {
      this.#caught(error, now);
      return true;
    }
  }

  // What the parts ask of the connection.

  fail(error: QuicError, now: TimeUs): void {
    const exceeded = this.parts.closer.isOpen ? exceededBy(error) : undefined;
    if (exceeded !== undefined) this.parts.counters[exceeded]++;
    const { code, message } = error;
    const frameType = error.frameType;
    const reason = { application: false, code, frameType, reason: message };
    this.#close(reason, { by: 'local', application: false, code, reason: message }, now);
  }

  closeByApplication(code: number, reason: string): void {
    const now = this.#host.now();
    this.#close(
      { application: true, code, frameType: 0, reason },
      { by: 'local', application: true, code, reason },
      now,
    );
  }

  onPeerClose(application: boolean, code: number, reason: string, now: TimeUs): void {
    const { closer } = this.parts;
    const wasOpen = closer.isOpen;
    closer.drain({ by: 'remote', application, code, reason }, this.#lingerUs);
    if (wasOpen) this.#ended(now);
  }

  onReset(now: TimeUs): void {
    const { closer } = this.parts;
    const info: CloseInfo = { by: 'reset', application: false, code: 0, reason: 'stateless reset' };
    const wasOpen = closer.isOpen;
    // RFC 9000 §10.3.1: draining, and nothing is sent any more.
    closer.drain(info, this.#lingerUs);
    if (wasOpen) this.#guard(now, () => this.#ended(now));
  }

  onIdle(reason: string, now: TimeUs): void {
    this.onGivenUp({ by: 'idle', application: false, code: 0, reason }, now);
  }

  onGivenUp(info: CloseInfo, now: TimeUs): void {
    const { closer } = this.parts;
    const wasOpen = closer.isOpen;
    closer.discard(info);
    if (wasOpen) this.#ended(now);
  }

  get #lingerUs(): number {
    return Math.min(3 * this.parts.recovery.ptoUs(Space.application), MAX_LINGER_US);
  }

  #close(reason: Parameters<Parts['closer']['close']>[0], info: CloseInfo, now: TimeUs): void {
    const { closer } = this.parts;
    if (!closer.isOpen) return;
    closer.close(reason, info, this.#lingerUs);
    this.#ended(now);
    this.#host.wake(this);
  }

  #ended(now: TimeUs): void {
    const { closer, handshake, sink, observer, streams } = this.parts;
    handshake.close();
    streams.close();
    if (closer.info === undefined) return;
    observer?.closed(closer.info, now);
    sink.closed(this, closer.info, now);
  }

  #noteAmplification(): void {
    const { recovery, paths, counters } = this.parts;
    const blocked = paths.active.budget < initialBytes(this.parts);
    if (blocked && !this.#blocked) counters.amplificationBlocked++;
    this.#blocked = blocked;
    recovery.setAmplificationBlocked(blocked);
  }

  /** The queue was full and is half empty again. */
  #noteDatagrams(): void {
    const { parts } = this;
    if (!parts.datagramsRefused || 2 * parts.datagrams.roomBytes < parts.config.datagramQueueBytes) return;
    parts.datagramsRefused = false;
    parts.sink.datagramWritable(this);
  }

  #guard(now: TimeUs, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#caught(error, now);
    }
  }

  #caught(error: unknown, now: TimeUs): void {
    if (!(error instanceof QuicError)) {
      this.#broken(error, now);
      return;
    }
    const frameType = error.frameType === 0 && error.fault === 'remote' ? this.#receiver.frameType : error.frameType;
    this.fail(new QuicError(error.code, error.fault, error.message, frameType), now);
  }

  /** Its state can no longer be relied on: it says so to its peer, if it still can. */
  #broken(error: unknown, now: TimeUs): void {
    const host = this.#host;
    if (!host.fault(error)) throw error;
    const { closer } = this.parts;
    if (!closer.isOpen) {
      closer.discard({ by: 'local', application: false, code: TransportError.internalError, reason: INTERNAL });
      return;
    }
    try {
      this.fail(localError(TransportError.internalError, INTERNAL), now);
    } catch (again) {
      host.fault(again);
    }
  }
}
