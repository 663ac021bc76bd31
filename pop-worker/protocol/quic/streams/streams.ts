import type { TimeUs } from '../../contract.ts';
import type { ConnectionSink, QuicConnection } from '../api.ts';
import type { FrameKind } from '../recovery/frame-kind.ts';
import type { FrameLog } from './frame-log.ts';

/** Our side's limits; the first six are transport parameters too (RFC 9000 §18.2) and must be sent as they are here. */
export interface StreamsOptions {
  readonly isServer: boolean;
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  /** How far auto-tuning may raise the windows. */
  readonly maxConnectionWindow: number;
  readonly maxStreamWindow: number;
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

/** All streams of a connection: frames in, commands, frames out. */
export class Streams {
  /** @param connection what events name as their origin */
  constructor(_options: StreamsOptions, _connection: QuicConnection, _sink: ConnectionSink) {
    throw new Error('not yet');
  }
  /** Call at the start of every `handle` and `poll`: the clock and RTT that window tuning goes by. */
  tick(_now: TimeUs, _smoothedRttUs: number): void {
    throw new Error('not yet');
  }
  /**
   * The peer's limits: remembered ones for 0-RTT first, real ones later, which may not be lower if 0-RTT was accepted.
   *
   * @throws QuicError remote PROTOCOL_VIOLATION when accepted 0-RTT sees lower limits (RFC 9000 §7.4.1)
   */
  setPeerLimits(_limits: PeerLimits, _kind: 'remembered' | 'final'): void {
    throw new Error('not yet');
  }
  /**
   * 0-RTT was rejected: everything sent is sent again, limits are gone until `setPeerLimits(…, 'final')`. Call before it
   * (and after or without `Recovery.rejectEarlyData`; either way nothing is sent twice).
   */
  onEarlyDataRejected(): void {
    throw new Error('not yet');
  }

  // Frames that arrived, as in FrameSink (RFC 9000 §19.4 to §19.14). They throw QuicError remote.
  stream(_id: number, _offset: number, _buffer: Uint8Array, _start: number, _end: number, _fin: boolean): void {
    throw new Error('not yet');
  }
  resetStream(_id: number, _code: number, _finalSize: number): void {
    throw new Error('not yet');
  }
  stopSendingReceived(_id: number, _code: number): void {
    throw new Error('not yet');
  }
  maxData(_limit: number): void {
    throw new Error('not yet');
  }
  maxStreamData(_id: number, _limit: number): void {
    throw new Error('not yet');
  }
  maxStreams(_bidirectional: boolean, _limit: number): void {
    throw new Error('not yet');
  }
  dataBlocked(_limit: number): void {
    throw new Error('not yet');
  }
  streamDataBlocked(_id: number, _limit: number): void {
    throw new Error('not yet');
  }
  streamsBlocked(_bidirectional: boolean, _limit: number): void {
    throw new Error('not yet');
  }

  // Commands, as in QuicConnection.
  openStream(_bidirectional: boolean): number {
    throw new Error('not yet');
  }
  write(_stream: number, _chunk: Uint8Array, _fin: boolean): void {
    throw new Error('not yet');
  }
  bufferedBytes(_stream: number): number {
    throw new Error('not yet');
  }
  reset(_stream: number, _code: number): void {
    throw new Error('not yet');
  }
  stopSending(_stream: number, _code: number): void {
    throw new Error('not yet');
  }
  consume(_stream: number, _bytes: number): void {
    throw new Error('not yet');
  }
  setPriority(_stream: number, _urgency: number, _incremental: boolean): void {
    throw new Error('not yet');
  }

  /** `writeFrames` would write something. */
  get pending(): boolean {
    throw new Error('not yet');
  }
  /**
   * Fills buffer[at, end) with control and STREAM frames, each noted in `log`. A STREAM frame that reaches `end` has no
   * length field: nothing may follow it in the packet.
   *
   * @returns the offset behind the last frame
   */
  writeFrames(_buffer: Uint8Array, _at: number, _end: number, _log: FrameLog): number {
    throw new Error('not yet');
  }
  /** Kinds that are not of streams are ignored here and below. */
  frameAcked(_kind: FrameKind, _a: number, _b: number, _c: number): void {
    throw new Error('not yet');
  }
  frameLost(_kind: FrameKind, _a: number, _b: number, _c: number): void {
    throw new Error('not yet');
  }
  /** Sends it again though it is not lost, only when nothing is pending (RFC 9002 §6.2.4). */
  frameProbe(_kind: FrameKind, _a: number, _b: number, _c: number): void {
    throw new Error('not yet');
  }
}
