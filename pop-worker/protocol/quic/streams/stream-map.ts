import { localError, type QuicError, remoteError, TransportError } from '../errors.ts';
import type { Clock, ReceiveCredit } from './flow-control.ts';
import { LocalStreams, PeerStreams } from './limits.ts';
import { BlockPool } from './reassembly.ts';
import type { ReceiveTarget } from './receive-stream.ts';
import { Stream } from './stream.ts';
import { isServerInitiated, isUnidirectional, streamId, streamIndex } from './stream-id.ts';

const KEPT_STREAMS = 256;

/** What we offer for streams, by type (RFC 9000 §18.2). */
export interface StreamWindows {
  readonly isServer: boolean;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  readonly maxStreamWindow: number;
}

/** What the peer offers for streams, by type, in its own words: `BidiLocal` are those that the peer opens. */
export interface PeerStreamWindows {
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
}

const NO_WINDOWS: PeerStreamWindows = {
  initialMaxStreamDataBidiLocal: 0,
  initialMaxStreamDataBidiRemote: 0,
  initialMaxStreamDataUni: 0,
};

/**
 * Stream IDs to streams. A peer's stream exists from the moment when it, or a higher one of its type, is named
 * (RFC 9000 §3.2), but takes memory only when a frame or command is for it. Of streams that are over, ranges of indices
 * remain, so that late frames are known as such.
 */
export class StreamMap {
  readonly peerBidi: PeerStreams;
  readonly peerUni: PeerStreams;
  readonly localBidi: LocalStreams = new LocalStreams();
  readonly localUni: LocalStreams = new LocalStreams();
  peerWindows: PeerStreamWindows = NO_WINDOWS;
  readonly blocks: BlockPool = new BlockPool();

  readonly #windows: StreamWindows;
  readonly #make: () => Stream;
  readonly #streams = new Map<number, Stream>();
  readonly #free: Stream[] = [];
  #last: Stream | undefined;

  constructor(windows: StreamWindows, credit: ReceiveCredit, clock: Clock, target: ReceiveTarget) {
    this.#windows = windows;
    this.peerBidi = new PeerStreams(windows.initialMaxStreamsBidi);
    this.peerUni = new PeerStreams(windows.initialMaxStreamsUni);
    this.#make = () => new Stream(credit, clock, target, this.blocks);
  }

  /** Streams that take memory. */
  get size(): number {
    return this.#streams.size;
  }

  values(): Iterable<Stream> {
    return this.#streams.values();
  }

  isLocal(id: number): boolean {
    return isServerInitiated(id) === this.#windows.isServer;
  }

  /** The stream, if it takes memory. */
  get(id: number): Stream | undefined {
    if (this.#last?.id === id) return this.#last;
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#last = stream;
    return stream;
  }

  /** Opens one of ours. @returns its ID, -1 when the peer's limit allows none */
  open(bidirectional: boolean): number {
    const index = (bidirectional ? this.localBidi : this.localUni).open();
    if (index < 0) return -1;
    const id = streamId(index, this.#windows.isServer, !bidirectional);
    this.#create(id);
    return id;
  }

  /**
   * The stream that a frame from the peer is for.
   *
   * @param sending the frame speaks to our sending part (STOP_SENDING, MAX_STREAM_DATA), else to our receiving part
   * @returns undefined when the stream is over: the frame is late and ignored
   * @throws QuicError remote STREAM_STATE_ERROR, STREAM_LIMIT_ERROR (RFC 9000 §19.4 to §19.13, §4.6)
   */
  forFrame(id: number, sending: boolean, frameType: number): Stream | undefined {
    const known = this.get(id);
    if (known !== undefined) {
      if (sending ? known.hasSend : known.hasReceive) return known;
      throw stateError('a frame for the wrong direction of a stream', frameType);
    }
    const local = this.isLocal(id);
    if (isUnidirectional(id) && local !== sending) {
      throw stateError('a frame for the wrong direction of a stream', frameType);
    }
    const index = streamIndex(id);
    if (local) {
      if (index >= this.#localOf(id).opened) throw stateError('a frame for a stream never opened', frameType);
      return undefined;
    }
    return this.#peersOwn(id, index, frameType);
  }

  /** The stream that a command names; undefined when it is over. @throws QuicError local when it never was */
  forCommand(id: number): Stream | undefined {
    const known = this.get(id);
    if (known !== undefined) return known;
    const index = streamIndex(id);
    if (this.isLocal(id)) {
      if (index < this.#localOf(id).opened) return undefined;
    } else {
      const streams = this.#peersOf(id);
      if (index < streams.opened) return streams.closed.contains(index) ? undefined : this.#create(id);
    }
    throw localError(TransportError.internalError, `stream ${id} was never opened`);
  }

  /** The stream is over: only its number remains. */
  forget(stream: Stream): void {
    const index = streamIndex(stream.id);
    if (this.isLocal(stream.id)) this.#localOf(stream.id).closed.add(index);
    else this.#peersOf(stream.id).onClosed(index);
    this.#streams.delete(stream.id);
    if (this.#last === stream) this.#last = undefined;
    if (this.#free.length < KEPT_STREAMS) this.#free.push(stream);
  }

  /** The peer's limit of this kind allows a stream with this ID (it may not, after rejected 0-RTT). */
  isWithinLimit(id: number): boolean {
    return !this.isLocal(id) || streamIndex(id) < this.#localOf(id).limit;
  }

  /** Where the peer lets us send on a stream at first. */
  initialSendLimit(id: number): number {
    if (isUnidirectional(id)) return this.peerWindows.initialMaxStreamDataUni;
    return this.isLocal(id)
      ? this.peerWindows.initialMaxStreamDataBidiRemote
      : this.peerWindows.initialMaxStreamDataBidiLocal;
  }

  #peersOwn(id: number, index: number, frameType: number): Stream | undefined {
    const streams = this.#peersOf(id);
    if (index >= streams.limit) {
      throw remoteError(TransportError.streamLimitError, 'more streams than allowed', frameType);
    }
    if (index >= streams.opened) streams.opened = index + 1;
    else if (streams.closed.contains(index)) return undefined;
    return this.#create(id);
  }

  #create(id: number): Stream {
    const stream = this.#free.pop() ?? this.#make();
    const local = this.isLocal(id);
    const unidirectional = isUnidirectional(id);
    stream.id = id;
    stream.hasSend = local || !unidirectional;
    stream.hasReceive = !local || !unidirectional;
    stream.level = 8;
    stream.incremental = true;
    stream.owed = 0;
    stream.isFinished = false;
    if (stream.hasSend) stream.send.reuse(this.initialSendLimit(id));
    if (stream.hasReceive)
      stream.receive.reuse(id, this.#ownWindow(local, unidirectional), this.#windows.maxStreamWindow);
    this.#streams.set(id, stream);
    this.#last = stream;
    return stream;
  }

  #ownWindow(local: boolean, unidirectional: boolean): number {
    if (unidirectional) return this.#windows.initialMaxStreamDataUni;
    return local ? this.#windows.initialMaxStreamDataBidiLocal : this.#windows.initialMaxStreamDataBidiRemote;
  }

  #localOf(id: number): LocalStreams {
    return isUnidirectional(id) ? this.localUni : this.localBidi;
  }

  #peersOf(id: number): PeerStreams {
    return isUnidirectional(id) ? this.peerUni : this.peerBidi;
  }
}

const stateError = (message: string, frameType: number): QuicError =>
  remoteError(TransportError.streamStateError, message, frameType);
