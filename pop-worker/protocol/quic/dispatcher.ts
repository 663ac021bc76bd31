import type { TimeUs } from '../contract.ts';
import { remoteError, TransportError } from './errors.ts';
import type { Parts } from './parts.ts';
import type { Path } from './paths/path.ts';
import { Space } from './recovery/recovery.ts';
import type { AckFrame, FrameSink } from './wire/frames/sink.ts';

/** Highest ack_delay in microseconds that means something; beyond it the frame's value is nonsense. */
const MAX_ACK_DELAY_US = 2 ** 24 * 1000;

/** Acts on the frames of one packet after another. */
export class Dispatcher implements FrameSink {
  readonly #parts: Parts;
  space: Space = Space.initial;
  packetNumber = 0;
  /** `OpenOutcome`: the key phase of the packet. */
  outcome = 0;
  now: TimeUs = 0;
  path: Path;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.path = parts.paths.active;
  }

  begin(space: Space, packetNumber: number, outcome: number, path: Path, now: TimeUs): void {
    this.space = space;
    this.packetNumber = packetNumber;
    this.outcome = outcome;
    this.path = path;
    this.now = now;
  }

  padding(_count: number): void {}

  ping(): void {}

  ack(frame: AckFrame): void {
    const parts = this.#parts;
    const space = parts.spaces[this.space];
    let delayUs = 0;
    if (this.space === Space.application) {
      delayUs = Math.min(frame.delay * (1 << parts.handshake.peer.ackDelayExponent), MAX_ACK_DELAY_US);
      parts.keys.onAcked(frame.largest, this.outcome);
      parts.ackRequests.onAck(this.now);
    }
    parts.recovery.onAckReceived(this.space, frame, delayUs, this.now);
    if (frame.largest > space.largestAcked) space.largestAcked = frame.largest;
    if (this.space === Space.application) parts.handshake.onAcked(this.now);
  }

  resetStream(id: number, code: number, finalSize: number): void {
    this.#parts.streams.resetStream(id, code, finalSize);
  }

  stopSending(id: number, code: number): void {
    this.#parts.streams.stopSendingReceived(id, code);
  }

  crypto(offset: number, buffer: Uint8Array, start: number, end: number): void {
    this.#parts.spaces[this.space].crypto.receive(offset, buffer, start, end);
  }

  newToken(buffer: Uint8Array, start: number, end: number): void {
    if (this.#parts.isServer) throw remoteError(TransportError.protocolViolation, 'NEW_TOKEN from a client', 0x07);
    this.#parts.onToken(buffer.slice(start, end));
  }

  stream(id: number, offset: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.#parts.streams.stream(id, offset, buffer, start, end, fin);
  }

  maxData(limit: number): void {
    this.#parts.streams.maxData(limit);
  }

  maxStreamData(id: number, limit: number): void {
    this.#parts.streams.maxStreamData(id, limit);
  }

  maxStreams(bidirectional: boolean, limit: number): void {
    this.#parts.streams.maxStreams(bidirectional, limit);
  }

  dataBlocked(limit: number): void {
    this.#parts.streams.dataBlocked(limit);
  }

  streamDataBlocked(id: number, limit: number): void {
    this.#parts.streams.streamDataBlocked(id, limit);
  }

  streamsBlocked(bidirectional: boolean, limit: number): void {
    this.#parts.streams.streamsBlocked(bidirectional, limit);
  }

  newConnectionId(
    sequence: number,
    retirePriorTo: number,
    buffer: Uint8Array,
    cidStart: number,
    cidEnd: number,
    tokenStart: number,
  ): void {
    const cid = buffer.subarray(cidStart, cidEnd);
    const token = buffer.subarray(tokenStart, tokenStart + 16);
    this.#parts.peerCids.onNewConnectionId(sequence, retirePriorTo, cid, token);
  }

  retireConnectionId(sequence: number): void {
    this.#parts.localCids.onRetire(sequence, this.path.localSequence);
  }

  pathChallenge(buffer: Uint8Array, start: number): void {
    this.#parts.counters.challengesReceived++;
    if (!this.path.responses.push(buffer, start)) this.#parts.counters.droppedChallenges++;
  }

  pathResponse(buffer: Uint8Array, start: number): void {
    this.#parts.paths.onResponse(buffer, start, this.now);
  }

  connectionClose(
    application: boolean,
    code: number,
    _frameType: number,
    buffer: Uint8Array,
    reasonStart: number,
    reasonEnd: number,
  ): void {
    this.#parts.onPeerClose(application, code, text(buffer, reasonStart, reasonEnd), this.now);
  }

  handshakeDone(): void {
    const { isServer, handshake } = this.#parts;
    if (isServer) throw remoteError(TransportError.protocolViolation, 'HANDSHAKE_DONE from a client', 0x1e);
    handshake.confirm(this.now);
  }

  immediateAck(): void {
    this.#parts.spaces[this.space].ack.onImmediateAck();
  }

  ackFrequency(sequence: number, threshold: number, maxDelayUs: number, reordering: number): void {
    this.#parts.spaces[this.space].ack.onAckFrequency(sequence, threshold, maxDelayUs, reordering);
  }

  datagram(buffer: Uint8Array, start: number, end: number, frameBytes: number): void {
    const { config, connection, sink } = this.#parts;
    // RFC 9221 §3: the limit counts the frame's type and length too; 0 means that there are to be none.
    if (frameBytes > config.maxDatagramFrameSize) {
      throw remoteError(TransportError.protocolViolation, 'DATAGRAM larger than we take', 0x30);
    }
    sink.datagram(connection, buffer, start, end);
  }
}

/** Reasons are shown to people: bytes beyond printable ASCII become question marks. */
const text = (buffer: Uint8Array, start: number, end: number): string => {
  let out = '';
  for (let i = start; i < Math.min(end, start + 256); i++) {
    const byte = buffer[i] as number;
    out += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
  }
  return out;
};
