import { FrameKind } from '../recovery/frame-kind.ts';
import { streamHeaderLength, streamRoom, writeStreamHeader } from '../wire/frames/stream.ts';
import { ControlFrames } from './control.ts';
import { type ReceiveCredit, SendCredit } from './flow-control.ts';
import type { FrameLog } from './frame-log.ts';
import { Scheduler } from './scheduler.ts';
import { Owed, Queue, type Stream } from './stream.ts';
import type { StreamMap } from './stream-map.ts';

/** Records that one packet may make, whatever its size: the log of sent packets is finite. */
const MAX_FRAMES = 64;
/** A shorter piece of longer data is not worth a frame at the end of a packet. */
const LEAST_PIECE = 32;

/** What becomes of streams while sending. */
export interface SenderEvents {
  /** All that was queued has been sent. */
  drained(stream: Stream): void;
  /** Both parts may be over. */
  settled(stream: Stream): void;
}

/** Fills packets with what streams have to send, and takes the news of what became of it. */
export class Sender {
  readonly credit: SendCredit = new SendCredit();
  readonly control: ControlFrames;
  readonly #map: StreamMap;
  readonly #given: ReceiveCredit;
  readonly #events: SenderEvents;
  readonly #scheduler: Scheduler = new Scheduler();
  /** Limits are known: being without credit is worth a word. */
  #limitsKnown = false;
  /** Offset behind the frames written so far in this packet. */
  #at = 0;

  constructor(map: StreamMap, given: ReceiveCredit, events: SenderEvents) {
    this.#map = map;
    this.#given = given;
    this.#events = events;
    this.control = new ControlFrames(map, given, this.credit);
  }

  get pending(): boolean {
    return !this.#scheduler.isEmpty || this.control.pending;
  }

  /** New data, or a FIN, was queued. */
  onWrite(stream: Stream): void {
    if (stream.queue === Queue.none && stream.send.wantsToSend) this.#scheduler.add(stream, false);
  }

  setPriority(stream: Stream, level: number, incremental: boolean): void {
    this.#scheduler.prioritise(stream, level, incremental);
  }

  /** The stream has nothing to send any more. */
  drop(stream: Stream): void {
    this.#scheduler.remove(stream);
  }

  /** @returns whether a new RESET_STREAM is owed */
  reset(stream: Stream, code: number): boolean {
    if (!stream.send.reset(code)) return false;
    this.#scheduler.remove(stream);
    this.control.owe(stream, Owed.resetStream);
    return true;
  }

  /** The peer's connection limit (MAX_DATA, or its transport parameter). */
  onCredit(limit: number): void {
    this.#limitsKnown = true;
    if (this.credit.raise(limit)) this.#scheduler.wake();
  }

  onStreamCredit(stream: Stream, limit: number): void {
    if (limit <= stream.send.limit) return;
    stream.send.limit = Math.min(limit, Number.MAX_SAFE_INTEGER);
    this.onWrite(stream);
  }

  /** The peer allows more streams: those that were sent in rejected 0-RTT and had to wait may go. */
  onStreamLimit(): void {
    this.#scheduler.wake();
    for (const stream of this.#map.values()) {
      if (!this.#map.isLocal(stream.id)) continue;
      if (stream.send.resetWanted && !stream.send.resetWritten) this.control.owe(stream, Owed.resetStream);
      if (stream.hasReceive && stream.receive.stopWanted) this.control.owe(stream, Owed.stopSending);
    }
  }

  /** 0-RTT was rejected: as if nothing had been sent (RFC 9000 §7.4.1 no longer binds the limits). */
  rewind(): void {
    this.credit.limit = 0;
    this.credit.blockedAt = -1;
    this.control.dataBlockedDue = false;
    this.#limitsKnown = false;
    for (const stream of this.#map.values()) {
      if (!stream.hasSend) continue;
      this.credit.used -= stream.send.rewind();
      stream.send.limit = 0;
      if (stream.send.resetWanted) this.control.owe(stream, Owed.resetStream);
      if (stream.hasReceive && stream.receive.stopWanted) this.control.owe(stream, Owed.stopSending);
      this.onWrite(stream);
    }
  }

  /** Fills buffer[at, end). @returns the offset behind the last frame */
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    this.#at = at;
    if (this.control.pending) this.#at = this.control.write(buffer, at, end, log, MAX_FRAMES);
    for (let n = 0; n < MAX_FRAMES; n++) {
      const stream = this.#next();
      if (stream === undefined || !this.#writeStream(stream, buffer, end, log)) break;
    }
    return this.#at;
  }

  /** The stream whose turn it is, with its bytes picked; those that cannot send now are set aside. */
  #next(): Stream | undefined {
    for (;;) {
      const stream = this.#scheduler.first();
      if (stream === undefined) return undefined;
      if (!this.#map.isWithinLimit(stream.id)) {
        this.#scheduler.park(stream);
      } else if (stream.send.select(this.credit.available)) {
        return stream;
      } else {
        this.#setAside(stream);
      }
    }
  }

  /** Nothing of it may be sent: the stream's own limit, or the connection's. RFC 9000 §4.1: says so, once a limit. */
  #setAside(stream: Stream): void {
    const { send } = stream;
    if (send.isBlocked || !send.wantsToSend) {
      this.#scheduler.remove(stream);
      this.#noteStreamBlocked(stream);
      return;
    }
    this.#scheduler.park(stream);
    if (this.#limitsKnown && this.credit.blockedAt < this.credit.limit) this.control.dataBlockedDue = true;
  }

  #noteStreamBlocked(stream: Stream): void {
    const { send } = stream;
    if (send.isBlocked && this.#limitsKnown && send.blockedAt < send.limit) {
      this.control.owe(stream, Owed.streamDataBlocked);
    }
  }

  /** @returns `false`: the packet has no room for it */
  #writeStream(stream: Stream, buffer: Uint8Array, end: number, log: FrameLog): boolean {
    const { id, send } = stream;
    const offset = send.pickOffset;
    const room = end - this.#at - streamHeaderLength(id, offset, 0, false);
    if (room < Math.min(send.pickLength, LEAST_PIECE)) return false;
    // RFC 9000 §19.8: without length, the data extends to the end of the packet.
    const withLength = send.pickLength < room;
    const length = withLength ? Math.min(send.pickLength, streamRoom(end - this.#at, id, offset)) : room;
    const fin = send.finAt(offset + length);
    const next = writeStreamHeader(buffer, this.#at, id, offset, length, fin, withLength);
    if (length > 0) send.buffer.copyInto(buffer, next, offset, length);
    this.#at = next + length;
    const fresh = offset + length - send.buffer.sent;
    if (fresh > 0) this.credit.used += fresh;
    send.onFrameSent(offset, length, fin);
    log.frame(fin ? FrameKind.streamFin : FrameKind.stream, id, offset, length);
    this.#afterFrame(stream, fresh > 0);
    return true;
  }

  #afterFrame(stream: Stream, fresh: boolean): void {
    const { send } = stream;
    if (!send.wantsToSend) this.#scheduler.remove(stream);
    else if (send.isBlocked && !send.select(this.credit.available)) this.#setAside(stream);
    else this.#scheduler.turn(stream);
    if (fresh && send.bufferedBytes === 0 && !send.finQueued) this.#events.drained(stream);
  }

  frameAcked(kind: FrameKind, id: number, offset: number, length: number): void {
    switch (kind) {
      case FrameKind.stream:
      case FrameKind.streamFin: {
        const stream = this.#map.get(id);
        if (stream?.hasSend !== true) return;
        stream.send.onFrameAcked(offset, length, kind === FrameKind.streamFin);
        if (stream.send.isTerminal) this.#settle(stream);
        else if (stream.queue === Queue.ready && !stream.send.wantsToSend) this.#scheduler.remove(stream);
        return;
      }
      case FrameKind.resetStream: {
        const stream = this.#map.get(id);
        if (stream?.hasSend !== true) return;
        stream.send.onResetAcked();
        this.#settle(stream);
        return;
      }
    }
  }

  #settle(stream: Stream): void {
    this.#scheduler.remove(stream);
    this.#events.settled(stream);
  }

  frameLost(kind: FrameKind, a: number, b: number, c: number): void {
    switch (kind) {
      case FrameKind.stream:
      case FrameKind.streamFin: {
        const stream = this.#map.get(a);
        if (stream?.hasSend !== true) return;
        if (stream.send.onFrameLost(b, c, kind === FrameKind.streamFin)) this.#scheduler.add(stream, true);
        return;
      }
      case FrameKind.resetStream:
        this.#oweAgain(a, Owed.resetStream);
        return;
      case FrameKind.stopSending:
        this.#oweAgain(a, Owed.stopSending);
        return;
      case FrameKind.maxStreamData: {
        // Only the newest limit is worth repeating (RFC 9000 §13.3).
        const stream = this.#map.get(a);
        if (stream?.hasReceive === true && stream.receive.window.limit === b) this.#oweAgain(a, Owed.maxStreamData);
        return;
      }
      case FrameKind.streamDataBlocked: {
        const stream = this.#map.get(a);
        if (stream?.hasSend === true && stream.send.limit === b) this.#oweAgain(a, Owed.streamDataBlocked);
        return;
      }
      default:
        this.#connectionFrameLost(kind, a);
    }
  }

  #connectionFrameLost(kind: FrameKind, limit: number): void {
    const { peerBidi, peerUni, localBidi, localUni } = this.#map;
    switch (kind) {
      case FrameKind.maxData:
        if (this.#given.window.limit === limit) this.#given.updateDue = true;
        return;
      case FrameKind.maxStreamsBidi:
        if (peerBidi.limit === limit) peerBidi.updateDue = true;
        return;
      case FrameKind.maxStreamsUni:
        if (peerUni.limit === limit) peerUni.updateDue = true;
        return;
      case FrameKind.dataBlocked:
        if (this.credit.limit === limit && this.credit.available === 0) this.control.dataBlockedDue = true;
        return;
      case FrameKind.streamsBlockedBidi:
        if (localBidi.limit === limit) localBidi.blockedDue = true;
        return;
      case FrameKind.streamsBlockedUni:
        if (localUni.limit === limit) localUni.blockedDue = true;
    }
  }

  /** `ControlFrames` leaves out what makes no sense any more. */
  #oweAgain(id: number, what: number): void {
    const stream = this.#map.get(id);
    if (stream !== undefined) this.control.owe(stream, what);
  }
}
