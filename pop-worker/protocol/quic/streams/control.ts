import { FrameKind } from '../recovery/frame-kind.ts';
import { writeDataBlocked } from '../wire/frames/data-blocked.ts';
import { writeMaxData } from '../wire/frames/max-data.ts';
import { writeMaxStreamData } from '../wire/frames/max-stream-data.ts';
import { writeMaxStreams } from '../wire/frames/max-streams.ts';
import { writeResetStream } from '../wire/frames/reset-stream.ts';
import { writeStopSending } from '../wire/frames/stop-sending.ts';
import { writeStreamDataBlocked } from '../wire/frames/stream-data-blocked.ts';
import { writeStreamsBlocked } from '../wire/frames/streams-blocked.ts';
import type { ReceiveCredit, SendCredit } from './flow-control.ts';
import type { FrameLog } from './frame-log.ts';
import { Owed, type Stream } from './stream.ts';
import type { StreamMap } from './stream-map.ts';

/** The largest control frame: a type and three integers of eight bytes. None is begun with less room. */
const ROOM = 25;
const COMPACT_AT = 64;

/** The frames about limits and ends, which go before data (RFC 9000 §19.4, §19.5, §19.9 to §19.14). */
export class ControlFrames {
  /** DATA_BLOCKED is to be sent. */
  dataBlockedDue = false;

  readonly #map: StreamMap;
  readonly #given: ReceiveCredit;
  readonly #had: SendCredit;
  /** Streams that owe a frame, each once, from #head on. */
  readonly #owing: Stream[] = [];
  #head = 0;

  constructor(map: StreamMap, given: ReceiveCredit, had: SendCredit) {
    this.#map = map;
    this.#given = given;
    this.#had = had;
  }

  /** @param what `Owed` bits; those that make no sense any more when it is their turn are left out then */
  owe(stream: Stream, what: number): void {
    stream.owed |= what;
    if (stream.owes) return;
    stream.owes = true;
    this.#owing.push(stream);
  }

  get pending(): boolean {
    const { peerBidi, peerUni, localBidi, localUni } = this.#map;
    return (
      this.#head < this.#owing.length ||
      this.#given.updateDue ||
      this.dataBlockedDue ||
      peerBidi.updateDue ||
      peerUni.updateDue ||
      localBidi.blockedDue ||
      localUni.blockedDue
    );
  }

  /** As many as fit, of `max` streams at most. @returns the offset behind them */
  write(buffer: Uint8Array, at: number, end: number, log: FrameLog, max: number): number {
    let next = this.#writeData(buffer, at, end, log);
    next = this.#writeCounts(true, buffer, next, end, log);
    next = this.#writeCounts(false, buffer, next, end, log);
    for (let n = 0; n < max && this.#head < this.#owing.length; n++) {
      const stream = this.#owing[this.#head] as Stream;
      this.#leaveOut(stream);
      next = this.#writeEnds(stream, buffer, next, end, log);
      next = this.#writeLimits(stream, buffer, next, end, log);
      if (stream.owed !== 0) break;
      stream.owes = false;
      this.#head++;
    }
    this.#compact();
    return next;
  }

  #compact(): void {
    if (this.#head < this.#owing.length && (this.#head < COMPACT_AT || 2 * this.#head < this.#owing.length)) return;
    this.#owing.copyWithin(0, this.#head);
    this.#owing.length -= this.#head;
    this.#head = 0;
  }

  /** MAX_DATA, DATA_BLOCKED. */
  #writeData(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    let next = at;
    if (this.#given.updateDue && end - next >= ROOM) {
      const limit = this.#given.window.renew();
      this.#given.updateDue = false;
      next = writeMaxData(buffer, next, limit);
      log.frame(FrameKind.maxData, limit, 0, 0);
    }
    if (!this.dataBlockedDue || end - next < ROOM) return next;
    this.dataBlockedDue = false;
    if (this.#had.available > 0) return next;
    const { limit } = this.#had;
    this.#had.blockedAt = limit;
    log.frame(FrameKind.dataBlocked, limit, 0, 0);
    return writeDataBlocked(buffer, next, limit);
  }

  /** MAX_STREAMS, STREAMS_BLOCKED of one kind. */
  #writeCounts(bidirectional: boolean, buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    const peer = bidirectional ? this.#map.peerBidi : this.#map.peerUni;
    const local = bidirectional ? this.#map.localBidi : this.#map.localUni;
    let next = at;
    if (peer.updateDue && end - next >= ROOM) {
      const limit = peer.renew();
      next = writeMaxStreams(buffer, next, bidirectional, limit);
      log.frame(bidirectional ? FrameKind.maxStreamsBidi : FrameKind.maxStreamsUni, limit, 0, 0);
    }
    if (!local.blockedDue || end - next < ROOM) return next;
    local.blockedDue = false;
    if (local.opened < local.limit) return next;
    local.blockedAt = local.limit;
    log.frame(bidirectional ? FrameKind.streamsBlockedBidi : FrameKind.streamsBlockedUni, local.limit, 0, 0);
    return writeStreamsBlocked(buffer, next, bidirectional, local.limit);
  }

  /** Drops what a stream need not say any more (RFC 9000 §13.3). */
  #leaveOut(stream: Stream): void {
    const { hasSend, hasReceive, send, receive } = stream;
    if (!hasSend || !send.resetWanted) stream.owed &= ~Owed.resetStream;
    if (!hasSend || !send.isBlocked) stream.owed &= ~Owed.streamDataBlocked;
    if (!hasReceive || !receive.stopWanted) stream.owed &= ~Owed.stopSending;
    if (!hasReceive || !receive.limitWanted) stream.owed &= ~Owed.maxStreamData;
    // After rejected 0-RTT the peer's limit may not allow the stream yet: it must not be named (§4.6).
    if (stream.owed !== 0 && !this.#map.isWithinLimit(stream.id)) stream.owed = 0;
  }

  /** RESET_STREAM, STOP_SENDING. */
  #writeEnds(stream: Stream, buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    const { id, send, receive } = stream;
    let next = at;
    if (stream.owed & Owed.resetStream && end - next >= ROOM) {
      stream.owed &= ~Owed.resetStream;
      next = writeResetStream(buffer, next, id, send.resetCode, send.finalSize);
      send.onResetWritten();
      log.frame(FrameKind.resetStream, id, 0, 0);
    }
    if (stream.owed & Owed.stopSending && end - next >= ROOM) {
      stream.owed &= ~Owed.stopSending;
      next = writeStopSending(buffer, next, id, receive.stopCode);
      log.frame(FrameKind.stopSending, id, 0, 0);
    }
    return next;
  }

  /** MAX_STREAM_DATA, STREAM_DATA_BLOCKED. */
  #writeLimits(stream: Stream, buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    const { id, send, receive } = stream;
    let next = at;
    if (stream.owed & Owed.maxStreamData && end - next >= ROOM) {
      stream.owed &= ~Owed.maxStreamData;
      const limit = receive.window.renew();
      next = writeMaxStreamData(buffer, next, id, limit);
      log.frame(FrameKind.maxStreamData, id, limit, 0);
    }
    if (stream.owed & Owed.streamDataBlocked && end - next >= ROOM) {
      stream.owed &= ~Owed.streamDataBlocked;
      send.blockedAt = send.limit;
      next = writeStreamDataBlocked(buffer, next, id, send.limit);
      send.onBlockedSent();
      log.frame(FrameKind.streamDataBlocked, id, send.limit, 0);
    }
    return next;
  }
}
