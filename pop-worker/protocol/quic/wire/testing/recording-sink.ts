import assert from 'node:assert/strict';
import type { AckFrame, FrameSink } from '../frames/sink.ts';
import { hex } from './hex.ts';

export type FrameEvent = readonly unknown[];

/** Writes down what it is told, bytes as hex. */
export class RecordingSink implements FrameSink {
  readonly events: FrameEvent[] = [];

  padding(count: number): void {
    this.events.push(['padding', count]);
  }
  ping(): void {
    this.events.push(['ping']);
  }
  ack(frame: AckFrame): void {
    const ranges = [...frame.ranges.subarray(0, 2 * frame.count)];
    assert.equal(ranges.length, 2 * frame.count);
    if (!frame.hasEcn) assert.deepEqual([frame.ect0, frame.ect1, frame.ce], [0, 0, 0]);
    const ecn = frame.hasEcn ? [frame.ect0, frame.ect1, frame.ce] : null;
    this.events.push(['ack', frame.largest, frame.delay, ranges, ecn]);
  }
  resetStream(id: number, code: number, finalSize: number): void {
    this.events.push(['resetStream', id, code, finalSize]);
  }
  stopSending(id: number, code: number): void {
    this.events.push(['stopSending', id, code]);
  }
  crypto(offset: number, buffer: Uint8Array, start: number, end: number): void {
    this.events.push(['crypto', offset, hex(buffer, start, end)]);
  }
  newToken(buffer: Uint8Array, start: number, end: number): void {
    this.events.push(['newToken', hex(buffer, start, end)]);
  }
  stream(id: number, offset: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    this.events.push(['stream', id, offset, hex(buffer, start, end), fin]);
  }
  maxData(limit: number): void {
    this.events.push(['maxData', limit]);
  }
  maxStreamData(id: number, limit: number): void {
    this.events.push(['maxStreamData', id, limit]);
  }
  maxStreams(bidirectional: boolean, limit: number): void {
    this.events.push(['maxStreams', bidirectional, limit]);
  }
  dataBlocked(limit: number): void {
    this.events.push(['dataBlocked', limit]);
  }
  streamDataBlocked(id: number, limit: number): void {
    this.events.push(['streamDataBlocked', id, limit]);
  }
  streamsBlocked(bidirectional: boolean, limit: number): void {
    this.events.push(['streamsBlocked', bidirectional, limit]);
  }
  newConnectionId(
    sequence: number,
    retirePriorTo: number,
    buffer: Uint8Array,
    cidStart: number,
    cidEnd: number,
    tokenStart: number,
  ): void {
    const cid = hex(buffer, cidStart, cidEnd);
    this.events.push(['newConnectionId', sequence, retirePriorTo, cid, hex(buffer, tokenStart, tokenStart + 16)]);
  }
  retireConnectionId(sequence: number): void {
    this.events.push(['retireConnectionId', sequence]);
  }
  pathChallenge(buffer: Uint8Array, start: number): void {
    this.events.push(['pathChallenge', hex(buffer, start, start + 8)]);
  }
  pathResponse(buffer: Uint8Array, start: number): void {
    this.events.push(['pathResponse', hex(buffer, start, start + 8)]);
  }
  connectionClose(
    application: boolean,
    code: number,
    frameType: number,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.events.push(['connectionClose', application, code, frameType, hex(buffer, start, end)]);
  }
  handshakeDone(): void {
    this.events.push(['handshakeDone']);
  }
  immediateAck(): void {
    this.events.push(['immediateAck']);
  }
  ackFrequency(sequence: number, threshold: number, maxDelayUs: number, reordering: number): void {
    this.events.push(['ackFrequency', sequence, threshold, maxDelayUs, reordering]);
  }
  datagram(buffer: Uint8Array, start: number, end: number): void {
    this.events.push(['datagram', hex(buffer, start, end)]);
  }
}
