import type { AckFrame, FrameSink } from '#protocol/quic/wire/frames/sink.ts';
import { type Fields, hex, milliseconds } from './event.ts';
import { applicationError, transportError } from './names.ts';

const streamType = (bidirectional: boolean): string => (bidirectional ? 'bidirectional' : 'unidirectional');
const payload = (bytes: number): Fields => ({ payload_length: bytes });

/** Reasons are for people: beyond printable ASCII they become question marks. */
const text = (buffer: Uint8Array, start: number, end: number): string =>
  Array.from(buffer.subarray(start, end), (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?',
  ).join('');

/**
 * The frames of a packet as quic-events §8.13 has them, by the reader that the connection uses. What others could use is
 * left out: payloads, tokens, stateless reset tokens.
 */
export class FrameFields implements FrameSink {
  frames: Fields[] = [];
  /** Scales ACK Delay to microseconds; undefined: it means nothing (RFC 9000 §19.3). */
  #ackDelayExponent: number | undefined;

  begin(ackDelayExponent: number | undefined): void {
    this.frames = [];
    this.#ackDelayExponent = ackDelayExponent;
  }

  #add(type: string, fields: Fields = {}): void {
    this.frames.push({ frame_type: type, ...fields });
  }

  padding(count: number): void {
    this.#add('padding', { raw: { length: count } });
  }

  ping(): void {
    this.#add('ping');
  }

  ack({ delay, count, ranges, hasEcn, ect0, ect1, ce }: AckFrame): void {
    const exponent = this.#ackDelayExponent;
    const acked: number[][] = [];
    // Lowest first.
    for (let i = count - 1; i >= 0; i--) {
      const low = ranges[2 * i] as number;
      const high = ranges[2 * i + 1] as number;
      acked.push(low === high ? [low] : [low, high]);
    }
    this.#add('ack', {
      ...(exponent !== undefined && { ack_delay: milliseconds(delay * 2 ** exponent) }),
      acked_ranges: acked,
      ...(hasEcn && { ect1, ect0, ce }),
    });
  }

  resetStream(id: number, code: number, finalSize: number): void {
    this.#add('reset_stream', { stream_id: id, ...applicationError('error', code), final_size: finalSize });
  }

  stopSending(id: number, code: number): void {
    this.#add('stop_sending', { stream_id: id, ...applicationError('error', code) });
  }

  crypto(offset: number, _buffer: Uint8Array, start: number, end: number): void {
    this.#add('crypto', { offset, raw: payload(end - start) });
  }

  newToken(_buffer: Uint8Array, start: number, end: number): void {
    this.#add('new_token', { token: { type: 'resumption', raw: { length: end - start } } });
  }

  stream(id: number, offset: number, _buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.#add('stream', { stream_id: id, offset, ...(fin && { fin }), raw: payload(end - start) });
  }

  maxData(maximum: number): void {
    this.#add('max_data', { maximum });
  }

  maxStreamData(id: number, maximum: number): void {
    this.#add('max_stream_data', { stream_id: id, maximum });
  }

  maxStreams(bidirectional: boolean, maximum: number): void {
    this.#add('max_streams', { stream_type: streamType(bidirectional), maximum });
  }

  dataBlocked(limit: number): void {
    this.#add('data_blocked', { limit });
  }

  streamDataBlocked(id: number, limit: number): void {
    this.#add('stream_data_blocked', { stream_id: id, limit });
  }

  streamsBlocked(bidirectional: boolean, limit: number): void {
    this.#add('streams_blocked', { stream_type: streamType(bidirectional), limit });
  }

  newConnectionId(sequence: number, retirePriorTo: number, buffer: Uint8Array, start: number, end: number): void {
    const id = hex(buffer, start, end);
    this.#add('new_connection_id', { sequence_number: sequence, retire_prior_to: retirePriorTo, connection_id: id });
  }

  retireConnectionId(sequence: number): void {
    this.#add('retire_connection_id', { sequence_number: sequence });
  }

  pathChallenge(buffer: Uint8Array, start: number): void {
    this.#add('path_challenge', { data: hex(buffer, start, start + 8) });
  }

  pathResponse(buffer: Uint8Array, start: number): void {
    this.#add('path_response', { data: hex(buffer, start, start + 8) });
  }

  connectionClose(
    application: boolean,
    code: number,
    frameType: number,
    buffer: Uint8Array,
    reasonStart: number,
    reasonEnd: number,
  ): void {
    this.#add('connection_close', {
      error_space: application ? 'application' : 'transport',
      ...(application ? applicationError('error', code) : transportError('error', code)),
      reason: text(buffer, reasonStart, reasonEnd),
      ...(!application && { trigger_frame_type: frameType }),
    });
  }

  handshakeDone(): void {
    this.#add('handshake_done');
  }

  // The drafts leave frames of extensions to others (`$QuicFrame`); these two have the names that quic-go gave them.

  immediateAck(): void {
    this.#add('immediate_ack');
  }

  ackFrequency(sequence: number, threshold: number, maxDelayUs: number, reordering: number): void {
    this.#add('ack_frequency', {
      sequence_number: sequence,
      ack_eliciting_threshold: threshold,
      request_max_ack_delay: milliseconds(maxDelayUs),
      reordering_threshold: reordering,
    });
  }

  datagram(_buffer: Uint8Array, start: number, end: number): void {
    this.#add('datagram', { raw: payload(end - start) });
  }
}
