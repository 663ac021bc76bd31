import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCrypto } from '../wire/frames/crypto.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import type { FrameSink } from '../wire/frames/sink.ts';
import { Reader } from '../wire/reader.ts';
import { CryptoStream } from './crypto-stream.ts';
import { ArrayLog } from './testing/log.ts';
import { pattern } from './testing/peer.ts';

const frameOf = (stream: CryptoStream, room: number): [Uint8Array, number, number] | undefined => {
  const buffer = new Uint8Array(room);
  const log = new ArrayLog();
  const end = stream.writeFrame(buffer, 0, room, log);
  if (end === 0) return undefined;
  const [record] = log.frames;
  return [buffer.subarray(0, end), record?.[1] as number, record?.[2] as number];
};

const feed = (stream: CryptoStream, frame: Uint8Array): void => {
  assert.equal(frame[0], FrameType.crypto);
  parseCrypto(new Reader().reset(frame, 1, frame.length), FrameType.crypto, {
    crypto: stream.receive.bind(stream),
  } as unknown as FrameSink);
};

test('§19.6: bytes arrive once and in order whatever is lost, repeated or reordered', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(900), { maxLength: 5 }),
      fc.array(fc.nat(11), { minLength: 1 }),
      fc.integer({ min: 25, max: 300 }),
      (lengths, fates, room) => {
        const received: number[] = [];
        const sender = new CryptoStream(() => {});
        const receiver = new CryptoStream((buffer, start, end) => received.push(...buffer.subarray(start, end)));
        const sent: number[] = [];
        for (const length of lengths) {
          sender.write(pattern(length, length));
          sent.push(...pattern(length, length));
        }
        const held: Uint8Array[] = [];
        for (let i = 0; sender.pending; i++) {
          const [frame, offset, length] = frameOf(sender, room) as [Uint8Array, number, number];
          const fate = i > 300 ? 0 : fates[i % fates.length];
          if (fate === 1) held.push(frame);
          else if (fate !== 2) feed(receiver, frame);
          if (fate === 2 || fate === 3) sender.frameLost(offset, length);
          else sender.frameAcked(offset, length);
        }
        for (const frame of held.reverse()) feed(receiver, frame);
        assert.deepEqual(received, sent);
        receiver.close();
      },
    ),
    { numRuns: 100 },
  );
});

test('§7.5: what is too far ahead is CRYPTO_BUFFER_EXCEEDED', () => {
  const stream = new CryptoStream(() => {}, 4096);
  const bytes = pattern(10);
  stream.receive(4086, bytes, 0, 10);
  assert.throws(() => stream.receive(4087, bytes, 0, 10), { code: 0x0d, fault: 'remote' });
  assert.throws(() => stream.receive(2 ** 61, bytes, 0, 10), { code: 0x0d, fault: 'remote' });
});

test('RFC 9001 §4.1.3: when its level is over, what came may come again, and nothing else', () => {
  const stream = new CryptoStream(() => {}, 4096);
  const bytes = pattern(10);
  stream.receive(0, bytes, 0, 10);
  stream.close();
  stream.receive(3, bytes, 0, 7);
  for (const offset of [1, 10, 4000]) {
    assert.throws(() => stream.receive(offset, bytes, 0, 10), { code: 0x0a, fault: 'remote' });
  }
});

test('RFC 9001 §4.1.3: no level is over while bytes wait behind a gap', () => {
  const stream = new CryptoStream(() => {}, 4096);
  stream.receive(1, pattern(10), 0, 10);
  assert.throws(() => stream.close(), { code: 0x0a, fault: 'remote' });
});

test('resend makes everything unacknowledged pending', () => {
  const stream = new CryptoStream(() => {});
  stream.write(pattern(100));
  assert.deepEqual(frameOf(stream, 54)?.slice(1), [0, 51]);
  assert.deepEqual(frameOf(stream, 200)?.slice(1), [51, 49]);
  stream.frameAcked(20, 10);
  assert.equal(stream.pending, false);
  stream.resend();
  const again = [frameOf(stream, 200), frameOf(stream, 200)];
  assert.deepEqual(
    again.map((frame) => frame?.slice(1)),
    [
      [0, 20],
      [30, 70],
    ],
  );
  assert.equal(frameOf(stream, 200), undefined);
});
