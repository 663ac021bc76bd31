import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex, unhex } from '../testing/hex.ts';
import { parsePayload, written } from '../testing/parse.ts';
import type { FrameEvent } from '../testing/recording-sink.ts';
import { varintLength } from '../varint.ts';
import { writeAckFrequency } from './ack-frequency.ts';
import { cryptoRoom, writeCryptoHeader } from './crypto.ts';
import { writeDataBlocked } from './data-blocked.ts';
import { datagramHeaderLength, datagramRoom, writeDatagramHeader } from './datagram.ts';
import { writeHandshakeDone } from './handshake-done.ts';
import { writeImmediateAck } from './immediate-ack.ts';
import { writeMaxData } from './max-data.ts';
import { writeMaxStreamData } from './max-stream-data.ts';
import { MAX_STREAMS, writeMaxStreams } from './max-streams.ts';
import { newConnectionIdLength, writeNewConnectionId } from './new-connection-id.ts';
import { newTokenLength, writeNewToken } from './new-token.ts';
import { writePathChallenge } from './path-challenge.ts';
import { writePathResponse } from './path-response.ts';
import { writePing } from './ping.ts';
import { writeResetStream } from './reset-stream.ts';
import { retireConnectionIdLength, writeRetireConnectionId } from './retire-connection-id.ts';
import { writeStopSending } from './stop-sending.ts';
import { streamHeaderLength, streamRoom, writeStreamHeader } from './stream.ts';
import { writeStreamDataBlocked } from './stream-data-blocked.ts';
import { writeStreamsBlocked } from './streams-blocked.ts';

type Writer = (buf: Uint8Array, at: number) => number;

/** Bytes of a frame of integers, its type included. */
const sizeOf = (...fields: readonly number[]): number => fields.reduce((sum, field) => sum + varintLength(field), 1);

/** The writer's bytes parse to the event, and are as many as they must be. */
const check = (write: Writer, length: number, ...event: FrameEvent): void => {
  const bytes = written(write);
  assert.equal(bytes.length, length);
  assert.deepEqual(parsePayload(bytes).events, [event]);
};

/** Values of every encoded length. */
const value = fc.oneof(fc.nat(63), fc.nat(16383), fc.nat(2 ** 30 - 1), fc.maxSafeNat());
const limit = fc.oneof(value, fc.constant(MAX_STREAMS));
const bytesOf = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const TOKEN = unhex('000102030405060708090a0b0c0d0e0f');

test('ACK_FREQUENCY', () => {
  fc.assert(
    fc.property(value, value, value, value, (sequence, threshold, delay, reordering) => {
      const writer: Writer = (buf, at) => writeAckFrequency(buf, at, sequence, threshold, delay, reordering);
      const length = 1 + sizeOf(sequence, threshold, delay, reordering);
      check(writer, length, 'ackFrequency', sequence, threshold, delay, reordering);
    }),
  );
});

test('frames without fields', () => {
  check(writePing, 1, 'ping');
  check(writeHandshakeDone, 1, 'handshakeDone');
  check(writeImmediateAck, 1, 'immediateAck');
});

test('frames of integers', () => {
  fc.assert(
    fc.property(value, value, value, limit, fc.boolean(), (a, b, c, streams, bidirectional) => {
      check((buf, at) => writeMaxData(buf, at, a), sizeOf(a), 'maxData', a);
      check((buf, at) => writeDataBlocked(buf, at, a), sizeOf(a), 'dataBlocked', a);
      check((buf, at) => writeRetireConnectionId(buf, at, a), retireConnectionIdLength(a), 'retireConnectionId', a);
      check((buf, at) => writeMaxStreamData(buf, at, a, b), sizeOf(a, b), 'maxStreamData', a, b);
      check((buf, at) => writeStopSending(buf, at, a, b), sizeOf(a, b), 'stopSending', a, b);
      check((buf, at) => writeResetStream(buf, at, a, b, c), sizeOf(a, b, c), 'resetStream', a, b, c);
      check((buf, at) => writeStreamDataBlocked(buf, at, a, b), sizeOf(a, b), 'streamDataBlocked', a, b);
      check(
        (buf, at) => writeMaxStreams(buf, at, bidirectional, streams),
        sizeOf(streams),
        'maxStreams',
        bidirectional,
        streams,
      );
      check(
        (buf, at) => writeStreamsBlocked(buf, at, bidirectional, streams),
        sizeOf(streams),
        'streamsBlocked',
        bidirectional,
        streams,
      );
    }),
  );
});

test('frames of bytes', () => {
  fc.assert(
    fc.property(bytesOf(1, 300), bytesOf(1, 20), value, value, (token, cid, a, b) => {
      check((buf, at) => writeNewToken(buf, at, token), newTokenLength(token.length), 'newToken', hex(token));
      const [sequence, retire] = [Math.max(a, b), Math.min(a, b)];
      check(
        (buf, at) => writeNewConnectionId(buf, at, sequence, retire, cid, TOKEN),
        newConnectionIdLength(sequence, retire, cid.length),
        'newConnectionId',
        sequence,
        retire,
        hex(cid),
        hex(TOKEN),
      );
    }),
  );
  const data = unhex('ff0102030405060708');
  check((buf, at) => writePathChallenge(buf, at, data, 1), 9, 'pathChallenge', '0102030405060708');
  check((buf, at) => writePathChallenge(buf, at, data), 9, 'pathChallenge', 'ff01020304050607');
  check((buf, at) => writePathResponse(buf, at, data, 1), 9, 'pathResponse', '0102030405060708');
  check((buf, at) => writePathResponse(buf, at, data), 9, 'pathResponse', 'ff01020304050607');
});

/** Writes the payload where the header's writer says. */
const withPayload = (payload: Uint8Array, writeHeader: Writer): Writer => {
  return (buf, at) => {
    const start = writeHeader(buf, at);
    buf.set(payload, start);
    return start + payload.length;
  };
};

test('frames whose payload is put in place by the caller', () => {
  const offsets = fc.oneof(fc.constant(0), value);
  fc.assert(
    fc.property(bytesOf(0, 300), value, offsets, fc.boolean(), fc.boolean(), (data, id, offset, fin, lengthField) => {
      const n = data.length;
      check(
        withPayload(data, (buf, at) => writeStreamHeader(buf, at, id, offset, n, fin, lengthField)),
        streamHeaderLength(id, offset, n, lengthField) + n,
        ...['stream', id, offset, hex(data), fin],
      );
      check(
        withPayload(data, (buf, at) => writeCryptoHeader(buf, at, offset, n)),
        sizeOf(offset, n) + n,
        ...['crypto', offset, hex(data)],
      );
      check(
        withPayload(data, (buf, at) => writeDatagramHeader(buf, at, n, lengthField)),
        datagramHeaderLength(n, lengthField) + n,
        ...['datagram', hex(data)],
      );
    }),
  );
});

test('room is the largest payload whose frame fits', () => {
  fc.assert(
    fc.property(fc.nat(70_000), value, fc.oneof(fc.constant(0), value), (room, id, offset) => {
      const kinds: [number, (n: number) => number][] = [
        [streamRoom(room, id, offset), (n) => streamHeaderLength(id, offset, n, true) + n],
        [cryptoRoom(room, offset), (n) => sizeOf(offset, n) + n],
        [datagramRoom(room), (n) => datagramHeaderLength(n, true) + n],
      ];
      for (const [most, size] of kinds) {
        if (most >= 0) assert(size(most) <= room);
        assert(size(Math.max(most, -1) + 1) > room);
      }
    }),
  );
});

test('an offset of zero takes no bytes', () => {
  assert.equal(hex(written((buf, at) => writeStreamHeader(buf, at, 4, 0, 3, false, true))), '0a0403');
  assert.equal(hex(written((buf, at) => writeStreamHeader(buf, at, 4, 0, 3, true, false))), '0904');
  assert.equal(hex(written((buf, at) => writeStreamHeader(buf, at, 4, 1, 3, true, true))), '0f040103');
});
