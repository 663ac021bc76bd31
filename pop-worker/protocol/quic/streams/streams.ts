import type { TimeUs } from '../../contract.ts';
import type { ConnectionSink, QuicConnection } from '../api.ts';
import { localError, remoteError, TransportError } from '../errors.ts';
import type { FrameKind } from '../recovery/frame-kind.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { type Clock, ReceiveCredit } from './flow-control.ts';
import type { FrameLog } from './frame-log.ts';
import type { LocalStreams } from './limits.ts';
import type { ReceiveTarget } from './receive-stream.ts';
import { levelOf } from './scheduler.ts';
import { Sender, type SenderEvents } from './sender.ts';
import { Owed, type Stream } from './stream.ts';
import { StreamMap, type StreamWindows } from './stream-map.ts';
import type { WindowBudget } from './window-budget.ts';

/** Our side's limits; the first six are transport parameters too (RFC 9000 §18.2) and must be sent as they are here. */
export interface StreamsOptions extends StreamWindows {
  readonly initialMaxData: number;
  /** How far auto-tuning may raise the connection's window. */
  readonly maxConnectionWindow: number;
}

/** The limits that the peer's transport parameters set (RFC 9000 §18.2). */
export interface PeerLimits {
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
}

/**
 * All streams of a connection: frames in, commands, frames out.
 *
 * Memory that a peer can make us hold: bytes that came early, at most the connection window and two blocks a stream;
 * 16 bytes a gap, at most 4096 gaps a stream; one `Stream` for each ID named within the stream limits; of those that
 * are over, one range for each gap between open ones.
 */
export class Streams implements ReceiveTarget, SenderEvents {
  readonly #connection: QuicConnection;
  readonly #sink: ConnectionSink;
  readonly #clock: Clock = { now: 0, rttUs: 333_000 };
  readonly #given: ReceiveCredit;
  readonly #map: StreamMap;
  readonly #sender: Sender;
  #remembered: PeerLimits | undefined;
  /** Streams that are over, to be forgotten at the next tick. */
  readonly #finished: Stream[] = [];

  /** @param connection what events name as their origin @param budget what its window may grow by, beside others' */
  constructor(options: StreamsOptions, connection: QuicConnection, sink: ConnectionSink, budget?: WindowBudget) {
    this.#given = new ReceiveCredit(budget);
    this.#connection = connection;
    this.#sink = sink;
    this.#given.window.reuse(options.initialMaxData, options.maxConnectionWindow, 0);
    this.#map = new StreamMap(options, this.#given, this.#clock, this);
    this.#sender = new Sender(this.#map, this.#given, this);
  }

  /** The connection is over: others' windows may grow. */
  close(): void {
    this.#given.window.giveBack();
  }

  /** Streams that take memory. */
  get size(): number {
    return this.#map.size;
  }

  /** Bytes held because they came early, in whole blocks. */
  get earlyBlocks(): number {
    return this.#map.blocks.inUse;
  }

  /**
   * Call at the start of every `handle` and `poll`: the clock and RTT that window tuning goes by. Streams that are over
   * are forgotten here, so `streamClosed` comes from here.
   */
  tick(now: TimeUs, smoothedRttUs: number): void {
    this.#clock.now = now;
    this.#clock.rttUs = smoothedRttUs;
    if (this.#finished.length === 0) return;
    for (const stream of this.#finished) {
      const { id } = stream;
      this.#sender.drop(stream);
      this.#map.forget(stream);
      this.#sink.streamClosed(this.#connection, id);
    }
    while (this.#finished.length > 0) this.#finished.pop();
  }

  /**
   * The peer's limits: remembered ones for 0-RTT first, real ones later, which may not be lower unless 0-RTT was
   * rejected, which `onEarlyDataRejected` must tell before.
   *
   * @throws QuicError remote PROTOCOL_VIOLATION when accepted 0-RTT sees lower limits (RFC 9000 §7.4.1)
   */
  setPeerLimits(limits: PeerLimits, kind: 'remembered' | 'final'): void {
    if (kind === 'final' && this.#remembered !== undefined) checkNotLower(this.#remembered, limits);
    this.#remembered = kind === 'remembered' ? limits : undefined;
    this.#map.peerWindows = limits;
    for (const stream of this.#map.values()) {
      if (stream.hasSend) this.#sender.onStreamCredit(stream, this.#map.initialSendLimit(stream.id));
    }
    this.#sender.onCredit(limits.initialMaxData);
    this.#raiseStreams(true, limits.initialMaxStreamsBidi);
    this.#raiseStreams(false, limits.initialMaxStreamsUni);
  }

  /**
   * 0-RTT was rejected: everything sent is sent again, limits are gone until `setPeerLimits(…, 'final')`. Losses that
   * `Recovery.rejectEarlyData` reports before or after do not make anything go twice.
   */
  onEarlyDataRejected(): void {
    this.#remembered = undefined;
    for (const local of [this.#map.localBidi, this.#map.localUni]) {
      local.limit = 0;
      local.blockedAt = -1;
      local.blockedDue = false;
    }
    this.#sender.rewind();
  }

  // Frames that arrived, as in FrameSink (RFC 9000 §19.4 to §19.14). They throw QuicError remote.

  stream(id: number, offset: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    const stream = this.#map.forFrame(id, false, FrameType.stream);
    if (stream === undefined) return;
    stream.receive.receive(offset, buffer, start, end, fin);
    if (stream.receive.isTerminal) this.settled(stream);
  }

  resetStream(id: number, code: number, finalSize: number): void {
    const stream = this.#map.forFrame(id, false, FrameType.resetStream);
    if (stream === undefined) return;
    if (stream.receive.reset(finalSize)) this.#sink.streamReset(this.#connection, id, code);
    this.settled(stream);
  }

  stopSendingReceived(id: number, code: number): void {
    const stream = this.#map.forFrame(id, true, FrameType.stopSending);
    // RFC 9000 §3.5: answered by RESET_STREAM with the same code.
    if (stream !== undefined && this.#sender.reset(stream, code)) {
      this.#sink.streamStopSending(this.#connection, id, code);
    }
  }

  maxData(limit: number): void {
    this.#sender.onCredit(limit);
  }

  maxStreamData(id: number, limit: number): void {
    const stream = this.#map.forFrame(id, true, FrameType.maxStreamData);
    if (stream !== undefined) this.#sender.onStreamCredit(stream, limit);
  }

  maxStreams(bidirectional: boolean, limit: number): void {
    this.#raiseStreams(bidirectional, limit);
  }

  dataBlocked(_limit: number): void {
    // RFC 9000 §4.2: credit never waits for this; but what little there is to give is given now.
    const { window } = this.#given;
    if (window.consumed + window.window > window.limit) this.#given.updateDue = true;
  }

  streamDataBlocked(id: number, _limit: number): void {
    const stream = this.#map.forFrame(id, false, FrameType.streamDataBlocked);
    if (stream === undefined) return;
    const { window } = stream.receive;
    if (window.consumed + window.window > window.limit) this.#sender.control.owe(stream, Owed.maxStreamData);
  }

  streamsBlocked(bidirectional: boolean, _limit: number): void {
    (bidirectional ? this.#map.peerBidi : this.#map.peerUni).onBlocked();
  }

  // Commands, as in QuicConnection. They only mark state; no event comes from inside.

  openStream(bidirectional: boolean): number {
    return this.#map.open(bidirectional);
  }

  write(id: number, chunk: Uint8Array, fin: boolean): void {
    const stream = this.#map.forCommand(id);
    if (stream === undefined) return;
    if (!stream.hasSend) throw localError(TransportError.streamStateError, `stream ${id} only receives`);
    // A reset may have come from the peer's STOP_SENDING: not the writer's mistake.
    if (stream.send.resetCode >= 0) return;
    if (stream.send.isClosed) throw localError(TransportError.streamStateError, `stream ${id} has ended`);
    stream.send.write(chunk, fin);
    this.#sender.onWrite(stream);
  }

  bufferedBytes(id: number): number {
    const stream = this.#map.forCommand(id);
    return stream?.hasSend === true ? stream.send.bufferedBytes : 0;
  }

  reset(id: number, code: number): void {
    const stream = this.#map.forCommand(id);
    if (stream?.hasSend === true) this.#sender.reset(stream, code);
  }

  stopSending(id: number, code: number): void {
    const stream = this.#map.forCommand(id);
    if (stream?.hasReceive !== true) return;
    if (stream.receive.stop(code)) this.#sender.control.owe(stream, Owed.stopSending);
    this.settled(stream);
  }

  consume(id: number, bytes: number): void {
    const stream = this.#map.forCommand(id);
    if (stream?.hasReceive !== true || bytes === 0) return;
    if (stream.receive.exceeds(bytes)) {
      throw localError(TransportError.internalError, `more consumed on stream ${id} than was delivered`);
    }
    if (stream.receive.consume(bytes)) this.#sender.control.owe(stream, Owed.maxStreamData);
    this.settled(stream);
  }

  setPriority(id: number, urgency: number, incremental: boolean): void {
    const stream = this.#map.forCommand(id);
    if (stream !== undefined) this.#sender.setPriority(stream, levelOf(urgency), incremental);
  }

  // Sending.

  /** `writeFrames` would write something. */
  get pending(): boolean {
    return this.#sender.pending;
  }

  /**
   * Fills buffer[at, end) with control and STREAM frames, each noted in `log`, 136 of them at most. A STREAM frame that
   * reaches `end` has no length field: nothing may follow it in the packet. May write nothing though `pending` was true,
   * when room or credit is short; `pending` then tells whether it is worth a try with more room.
   *
   * @returns the offset behind the last frame
   */
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    return this.#sender.writeFrames(buffer, at, end, log);
  }

  /** Kinds that are not of streams are ignored here and below. */
  frameAcked(kind: FrameKind, a: number, b: number, c: number): void {
    this.#sender.frameAcked(kind, a, b, c);
  }

  frameLost(kind: FrameKind, a: number, b: number, c: number): void {
    this.#sender.frameLost(kind, a, b, c);
  }

  /** Goes again though it is not lost (RFC 9002 §6.2.4). Whether anything newer is there, ask `pending` before. */
  frameProbe(kind: FrameKind, a: number, b: number, c: number): void {
    this.#sender.frameLost(kind, a, b, c);
  }

  // What the parts report.

  receiveData(id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.#sink.streamData(this.#connection, id, buffer, start, end, fin);
  }

  drained(stream: Stream): void {
    this.#sink.streamWritable(this.#connection, stream.id);
  }

  settled(stream: Stream): void {
    if (stream.isFinished || !stream.isTerminal) return;
    stream.isFinished = true;
    this.#finished.push(stream);
  }

  #raiseStreams(bidirectional: boolean, limit: number): void {
    const local: LocalStreams = bidirectional ? this.#map.localBidi : this.#map.localUni;
    const waiting = local.opened > local.limit;
    if (!local.raise(limit)) return;
    if (waiting) this.#sender.onStreamLimit();
    if (!local.wanted || local.opened >= local.limit) return;
    local.wanted = false;
    this.#sink.streamsAvailable(this.#connection, bidirectional);
  }
}

/** RFC 9000 §7.4.1: a server that accepts 0-RTT must not lower what the client remembered. */
const checkNotLower = (remembered: PeerLimits, limits: PeerLimits): void => {
  const lower =
    limits.initialMaxData < remembered.initialMaxData ||
    limits.initialMaxStreamDataBidiLocal < remembered.initialMaxStreamDataBidiLocal ||
    limits.initialMaxStreamDataBidiRemote < remembered.initialMaxStreamDataBidiRemote ||
    limits.initialMaxStreamDataUni < remembered.initialMaxStreamDataUni ||
    limits.initialMaxStreamsBidi < remembered.initialMaxStreamsBidi ||
    limits.initialMaxStreamsUni < remembered.initialMaxStreamsUni;
  if (lower) throw remoteError(TransportError.protocolViolation, 'limits are lower than those remembered for 0-RTT');
};
