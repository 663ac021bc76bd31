import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError, remoteError, TransportError } from '../../errors.ts';
import { PacketType } from '../packet/packet-type.ts';
import { Reader } from '../reader.ts';
import { unhex } from '../testing/hex.ts';
import { embed, parsePayload, remoteFault } from '../testing/parse.ts';
import { RecordingSink } from '../testing/recording-sink.ts';
import { parseFrames } from './parse.ts';

const corpus: { hex: string }[] = JSON.parse(
  readFileSync(new URL('../testing/corpus/frames.json', import.meta.url), 'utf8'),
);
const seeds = corpus.map((c) => unhex(c.hex));
const packetTypes = fc.constantFrom(PacketType.initial, PacketType.zeroRtt, PacketType.handshake, PacketType.oneRtt);

/** Valid frames in a row, then bytes changed, inserted or removed. */
const mutated = fc
  .tuple(
    fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'insert', 'remove')), { maxLength: 4 }),
  )
  .map(([parts, edits]) => {
    const bytes = parts.flatMap((part) => [...part]);
    for (const [where, byte, kind] of edits) {
      const at = where % (bytes.length + 1);
      if (kind === 'set') bytes[at] = byte;
      else bytes.splice(at, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [byte] : []));
    }
    return Uint8Array.from(bytes);
  });

/** Fails on any range outside of the payload. */
class BoundsSink extends RecordingSink {
  readonly #start: number;
  readonly #end: number;
  constructor(start: number, end: number) {
    super();
    this.#start = start;
    this.#end = end;
  }
  #inside(start: number, end: number): void {
    assert(start >= this.#start && start <= end && end <= this.#end, `${start}..${end}`);
  }
  override crypto(_offset: number, _buffer: Uint8Array, start: number, end: number): void {
    this.#inside(start, end);
  }
  override newToken(_buffer: Uint8Array, start: number, end: number): void {
    this.#inside(start, end);
  }
  override stream(_id: number, _offset: number, _buffer: Uint8Array, start: number, end: number): void {
    this.#inside(start, end);
  }
  override newConnectionId(
    ...[, , , cidStart, cidEnd, tokenStart]: Parameters<RecordingSink['newConnectionId']>
  ): void {
    this.#inside(cidStart, cidEnd);
    this.#inside(tokenStart, tokenStart + 16);
  }
  override pathChallenge(_buffer: Uint8Array, start: number): void {
    this.#inside(start, start + 8);
  }
  override pathResponse(_buffer: Uint8Array, start: number): void {
    this.#inside(start, start + 8);
  }
  override connectionClose(...[, , , , start, end]: Parameters<RecordingSink['connectionClose']>): void {
    this.#inside(start, end);
  }
  override datagram(_buffer: Uint8Array, start: number, end: number): void {
    this.#inside(start, end);
  }
}

/** The last two for what ends beyond 2^62-1 (RFC 9000 §19.6, §19.8). */
const FORM_ERRORS: readonly number[] = [
  TransportError.frameEncodingError,
  TransportError.protocolViolation,
  TransportError.flowControlError,
  TransportError.cryptoBufferExceeded,
];

test('any bytes give frames inside the payload or the peer’s error', () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated, mutated, mutated);
  const reader = new Reader();
  let accepted = 0;
  fc.assert(
    fc.property(hostile, packetTypes, (bytes, packetType) => {
      const { buffer, start, end } = embed(bytes);
      try {
        parseFrames(reader.reset(buffer, start, end), packetType, new BoundsSink(start, end));
        assert.equal(reader.at, end);
        accepted++;
      } catch (error) {
        assert(error instanceof QuicError, String(error));
        assert.equal(error.fault, 'remote');
        assert(FORM_ERRORS.includes(error.code));
        assert(error.frameType <= Number.MAX_SAFE_INTEGER);
      }
    }),
    { numRuns: 20_000 },
  );
  assert(accepted > 1000, 'the seeds are too broken to test anything');
});

test('what surrounds the payload changes nothing', () => {
  fc.assert(
    fc.property(mutated, fc.nat(255), (bytes, margin) => {
      const outcome = (fill: number): unknown => {
        const { buffer, start, end } = embed(bytes);
        buffer.fill(fill, 0, start).fill(fill, end);
        const sink = new RecordingSink();
        try {
          return [parseFrames(new Reader().reset(buffer, start, end), PacketType.oneRtt, sink), sink.events];
        } catch (error) {
          return [(error as QuicError).code, (error as QuicError).frameType, sink.events];
        }
      };
      for (const fill of [margin, 0]) assert.deepEqual(outcome(fill), outcome(0xee));
    }),
    { numRuns: 2000 },
  );
});

test('frames before a faulty one are handed over', () => {
  const bytes = unhex('01 1004 20 01');
  const sink = new RecordingSink();
  const reader = new Reader().reset(bytes, 0, bytes.length);
  assert.equal(remoteFault(() => parseFrames(reader, PacketType.oneRtt, sink)).frameType, 0x20);
  assert.deepEqual(sink.events, [['ping'], ['maxData', 4]]);
});

test('the reader tells the frame when a sink throws', () => {
  class Refusing extends RecordingSink {
    override stream(): void {
      throw remoteError(TransportError.flowControlError, 'too much');
    }
  }
  const bytes = unhex('01 0a0401ff');
  const reader = new Reader().reset(bytes, 0, bytes.length);
  assert.equal(remoteFault(() => parseFrames(reader, PacketType.oneRtt, new Refusing())).code, 3);
  assert.equal(reader.frameType, 0x0a);
});

test('data may end at the last offset that there is, and not behind it', () => {
  // 2^62-512: as a number, the neighbour of 2^62.
  const data = 'aa'.repeat(512);
  for (const [header, type, code] of [
    ['0e 04', 0x0e, TransportError.flowControlError],
    ['06', 0x06, TransportError.cryptoBufferExceeded],
  ] as const) {
    const fault = remoteFault(() => parsePayload(`${header} fffffffffffffe00 4200 ${data}`));
    assert.deepEqual([fault.code, fault.frameType], [code, type]);
    assert.equal(parsePayload(`${header} fffffffffffffc00 4200 ${data}`).events.length, 1);
  }
});

test('an unknown type is told as long as it is exact', () => {
  const typeOf = (bytes: string): number => remoteFault(() => parsePayload(bytes)).frameType;
  assert.equal(typeOf('c01fffffffffffff'), Number.MAX_SAFE_INTEGER);
  assert.equal(typeOf('c020000000000000'), 0);
});

test('the bits of all frames add up', () => {
  assert.equal(parsePayload('02 00000000').content, 2);
  assert.equal(parsePayload('02 00000000 00').content, 6);
  assert.equal(parsePayload('02 00000000 01').content, 7);
  assert.equal(parsePayload('1a 0102030405060708 00').content, 5);
  assert.equal(parsePayload('00').content, 4);
});
