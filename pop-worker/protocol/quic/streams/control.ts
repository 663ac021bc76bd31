import { FrameKind } from '../recovery/frame-kind.ts';
import type { ReceiveCredit, SendCredit } from './flow-control.ts';
import type { FrameLog } from './frame-log.ts';
import type { LocalStreams, PeerStreams } from './limits.ts';
import { FrameType, putFrame } from './put-frames.ts';
import { Owed, type Stream } from './stream.ts';
import type { StreamMap } from './stream-map.ts';

/** The frames about limits and ends, which go before data (RFC 9000 §19.4, §19.5, §19.9 to §19.14). */
export class ControlFrames {
  /** DATA_BLOCKED is to be sent. */
  dataBlockedDue = false;

  readonly #map: StreamMap;
  readonly #given: ReceiveCredit;
  readonly #had: SendCredit;
  /** Streams that owe a frame, each once: a ring, so that one whose frame does not fit stays first. */
  readonly #owing: Stream[] = [];
  #head = 0;

  constructor(map: StreamMap, given: ReceiveCredit, had: SendCredit) {
    this.#map = map;
    this.#given = given;
    this.#had = had;
  }

  /** @param what `Owed` bits */
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

  /** As many as fit, `max` at most. @returns the offset behind them */
  write(buffer: Uint8Array, at: number, end: number, log: FrameLog, max: number): number {
    let next = this.#writeConnection(buffer, at, end, log);
    for (let n = 0; n < max && this.#head < this.#owing.length; n++) {
      const stream = this.#owing[this.#head] as Stream;
      next = this.#writeStream(stream, buffer, next, end, log);
      if (stream.owed !== 0) break;
      stream.owes = false;
      this.#head++;
    }
    if (this.#head === this.#owing.length) {
      this.#owing.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && 2 * this.#head >= this.#owing.length) {
      this.#owing.copyWithin(0, this.#head);
      this.#owing.length -= this.#head;
      this.#head = 0;
    }
    return next;
  }

  #writeConnection(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    let next = at;
    if (this.#given.updateDue && end - next >= ROOM) {
      const limit = this.#given.window.renew();
      this.#given.updateDue = false;
      next = putFrame(buffer, next, end, FrameType.maxData, 1, limit);
      log.frame(FrameKind.maxData, limit, 0, 0);
    }
    const { peerBidi, peerUni, localBidi, localUni } = this.#map;
    next = maxStreams(peerBidi, FrameType.maxStreamsBidi, FrameKind.maxStreamsBidi, buffer, next, end, log);
    next = maxStreams(peerUni, FrameType.maxStreamsUni, FrameKind.maxStreamsUni, buffer, next, end, log);
    if (this.dataBlockedDue && end - next >= ROOM) {
      const { limit } = this.#had;
      this.dataBlockedDue = false;
      if (this.#had.available === 0) {
        this.#had.blockedAt = limit;
        next = putFrame(buffer, next, end, FrameType.dataBlocked, 1, limit);
        log.frame(FrameKind.dataBlocked, limit, 0, 0);
      }
    }
    next = blocked(localBidi, FrameType.streamsBlockedBidi, FrameKind.streamsBlockedBidi, buffer, next, end, log);
    return blocked(localUni, FrameType.streamsBlockedUni, FrameKind.streamsBlockedUni, buffer, next, end, log);
  }

  /** All that one stream owes, until one does not fit. */
  #writeStream(stream: Stream, buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    const { id, send, receive } = stream;
    let next = at;
    if (!stream.hasSend || !send.resetWanted) stream.owed &= ~Owed.resetStream;
    if (!stream.hasSend || !send.isBlocked) stream.owed &= ~Owed.streamDataBlocked;
    if (!stream.hasReceive || !receive.stopWanted) stream.owed &= ~Owed.stopSending;
    if (!stream.hasReceive || !receive.limitWanted) stream.owed &= ~Owed.maxStreamData;
    // A stream of ours that the peer's limit does not allow yet must not be named (after rejected 0-RTT).
    if (stream.owed !== 0 && !this.#map.isWithinLimit(id)) stream.owed = 0;
    if (stream.owed & Owed.resetStream) {
      next = putFrame(buffer, at, end, FrameType.resetStream, 3, id, send.resetCode, send.finalSize);
      if (next === at) return at;
      send.onResetWritten();
      stream.owed &= ~Owed.resetStream;
      log.frame(FrameKind.resetStream, id, 0, 0);
    }
    if (stream.owed & Owed.stopSending) {
      const after = putFrame(buffer, next, end, FrameType.stopSending, 2, id, receive.stopCode);
      if (after === next) return next;
      next = after;
      stream.owed &= ~Owed.stopSending;
      log.frame(FrameKind.stopSending, id, 0, 0);
    }
    if (stream.owed & Owed.maxStreamData) {
      if (end - next < ROOM) return next;
      const limit = receive.window.renew();
      next = putFrame(buffer, next, end, FrameType.maxStreamData, 2, id, limit);
      stream.owed &= ~Owed.maxStreamData;
      log.frame(FrameKind.maxStreamData, id, limit, 0);
    }
    if (stream.owed & Owed.streamDataBlocked) {
      const after = putFrame(buffer, next, end, FrameType.streamDataBlocked, 2, id, send.limit);
      if (after === next) return next;
      next = after;
      send.blockedAt = send.limit;
      send.onBlockedSent();
      stream.owed &= ~Owed.streamDataBlocked;
      log.frame(FrameKind.streamDataBlocked, id, send.limit, 0);
    }
    return next;
  }
}

/** The largest control frame that has a limit: a type and two integers of eight bytes. */
const ROOM = 17;

const maxStreams = (
  streams: PeerStreams,
  type: number,
  kind: FrameKind,
  buffer: Uint8Array,
  at: number,
  end: number,
  log: FrameLog,
): number => {
  if (!streams.updateDue || end - at < ROOM) return at;
  const limit = streams.renew();
  log.frame(kind, limit, 0, 0);
  return putFrame(buffer, at, end, type, 1, limit);
};

const blocked = (
  streams: LocalStreams,
  type: number,
  kind: FrameKind,
  buffer: Uint8Array,
  at: number,
  end: number,
  log: FrameLog,
): number => {
  if (!streams.blockedDue || end - at < ROOM) return at;
  streams.blockedDue = false;
  if (streams.opened < streams.limit) return at;
  streams.blockedAt = streams.limit;
  log.frame(kind, streams.limit, 0, 0);
  return putFrame(buffer, at, end, type, 1, streams.limit);
};
