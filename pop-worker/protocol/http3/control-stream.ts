import { Http3ErrorCode, remoteError } from './errors.ts';
import { Disposition, type FrameHandler, FrameParser } from './frame-parser.ts';
import { FrameType, frameUnexpected, isReservedFrame } from './frames.ts';
import type { Http3Observer } from './observer.ts';
import { type Http3Settings, MAX_SETTINGS_BYTES, parseSettings } from './settings.ts';
import { PayloadReader } from './varint.ts';

/** What the peer's control stream says. */
export interface ControlHandler {
  readonly isServer: boolean;
  /** @param stream the control stream */
  peerSettings(settings: Http3Settings, stream: number): void;
  /** @param id a stream ID from a server, a push ID from a client; above 2^53 rounded @param stream the control stream */
  peerGoaway(id: number, stream: number): void;
  observer(): Http3Observer | undefined;
}

/** The peer's control stream (RFC 9114 §6.2.1, §7.2). */
export class ControlStream implements FrameHandler {
  readonly #handler: ControlHandler;
  readonly #stream: number;
  readonly #parser: FrameParser = new FrameParser(this);
  #settingsSeen = false;
  #maxPushId = -1;
  #lastGoaway = Number.POSITIVE_INFINITY;

  constructor(handler: ControlHandler, stream: number) {
    this.#handler = handler;
    this.#stream = stream;
  }

  /** @throws Http3Error */
  push(buffer: Uint8Array, start: number, end: number): void {
    this.#parser.push(buffer, start, end);
  }

  frameStart(type: number, length: number): Disposition {
    if (!this.#settingsSeen) return this.#firstFrame(type, length);
    switch (type) {
      case FrameType.cancelPush:
      case FrameType.goaway:
        return oneVarint(length);
      case FrameType.maxPushId:
        if (!this.#handler.isServer) throw frameUnexpected('MAX_PUSH_ID from a server');
        return oneVarint(length);
      case FrameType.priorityUpdateRequest:
      case FrameType.priorityUpdatePush:
        // RFC 9218 §7.2: only clients send it; it is advice that we do not take.
        if (!this.#handler.isServer) throw frameUnexpected('PRIORITY_UPDATE from a server');
        return Disposition.skip;
      case FrameType.settings:
      case FrameType.data:
      case FrameType.headers:
      case FrameType.pushPromise:
        throw frameUnexpected(`frame ${type} on the control stream`);
      default:
        this.#handler.observer()?.other(this.#stream, type, length);
        if (isReservedFrame(type)) throw frameUnexpected(`frame of HTTP/2: ${type}`);
        return Disposition.skip;
    }
  }

  framePiece(): void {
    // Nothing is passed on in pieces.
  }

  frame(type: number, buffer: Uint8Array, start: number, end: number): void {
    if (type === FrameType.settings) {
      this.#settingsSeen = true;
      this.#handler.peerSettings(parseSettings(buffer, start, end), this.#stream);
      return;
    }
    const reader = new PayloadReader(buffer, start, end);
    const id = reader.varint();
    if (id < 0 || reader.remaining > 0) throw remoteError(Http3ErrorCode.frameError, 'frame is not one integer');
    if (type === FrameType.goaway) this.#goaway(id, buffer[end - 1] as number);
    else if (type === FrameType.maxPushId) this.#takeMaxPushId(id);
    // RFC 9114 §7.2.3: nothing was ever promised or allowed, so any push ID is too large.
    else throw remoteError(Http3ErrorCode.idError, 'CANCEL_PUSH of an unknown push');
  }

  #firstFrame(type: number, length: number): Disposition {
    if (type !== FrameType.settings) throw remoteError(Http3ErrorCode.missingSettings, 'SETTINGS is not first');
    if (length > MAX_SETTINGS_BYTES) throw remoteError(Http3ErrorCode.excessiveLoad, 'SETTINGS too long');
    return Disposition.collect;
  }

  #goaway(id: number, lowByte: number): void {
    // RFC 9114 §7.2.6: a server names a client's bidirectional stream. The low byte is exact, the number may not be.
    if (!this.#handler.isServer && (lowByte & 3) !== 0)
      throw remoteError(Http3ErrorCode.idError, 'GOAWAY of no request');
    if (id > this.#lastGoaway) throw remoteError(Http3ErrorCode.idError, 'GOAWAY with a larger identifier');
    this.#lastGoaway = id;
    this.#handler.peerGoaway(id, this.#stream);
  }

  #takeMaxPushId(id: number): void {
    // RFC 9114 §7.2.7. We never push.
    if (id < this.#maxPushId) throw remoteError(Http3ErrorCode.idError, 'MAX_PUSH_ID lowered');
    this.#maxPushId = id;
  }
}

const oneVarint = (length: number): Disposition => {
  if (length < 1 || length > 8) throw remoteError(Http3ErrorCode.frameError, 'frame is not one integer');
  return Disposition.collect;
};
