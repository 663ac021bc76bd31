import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import { Burst } from '#protocol/burst.ts';
import { receiverIndex } from '#protocol/wireguard/receiver-index.ts';
import { MessageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { PeerShare } from './share.ts';
import { writeKeys, writePlaces } from './thread-peers.ts';

const HERE = addressOf('192.0.2.1', 51_820);

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const none = new Uint8Array();
const placesOf = (...numbers: readonly number[]): Uint8Array =>
  writePlaces(numbers.map((number) => ({ number, publicKey: keyOf(number) })));

const shared = (index: number, threads = 2) => {
  const sent: [thread: number, bytes: number][] = [];
  const datagram = (thread: number, _: Uint8Array, start: number, end: number) => sent.push([thread, end - start]) > 0;
  return { share: new PeerShare(index, threads, { datagram }), sent };
};

const message = (type: MessageType, receiverAt: number, number: number, bytes: number): Uint8Array => {
  const out = new Uint8Array(bytes);
  writeWord(out, 0, type);
  writeWord(out, receiverAt, receiverIndex(number, 3));
  return out;
};

/** Each from a port of its own. */
const burstOf = (...messages: readonly { readonly bytes: Uint8Array; readonly segment?: number }[]): Burst => {
  const burst = new Burst(1 << 16, 16);
  for (const [i, { bytes, segment = bytes.length }] of messages.entries()) {
    burst.buffer.set(bytes, burst.used);
    burst.commitRun(bytes.length, segment, 0, addressOf('192.0.2.7', 1000 + i), 0, HERE, 0);
  }
  return burst;
};

test('messages of peers of other threads are handed to these, those of own peers and initiations stay, in their order', () => {
  const { share, sent } = shared(1, 3);
  const transport = (number: number, bytes = 32) => message(MessageType.transport, 4, number, bytes);
  const burst = burstOf(
    { bytes: transport(0) },
    { bytes: transport(4, 48) },
    { bytes: Buffer.concat([transport(5, 80), transport(5, 80), transport(5, 40)]), segment: 80 },
    { bytes: message(MessageType.response, 8, 2, 92) },
    { bytes: new Uint8Array(148).fill(1, 0, 1) },
    { bytes: message(MessageType.cookieReply, 4, 3, 64) },
    { bytes: transport(1, 64) },
  );
  const whole = burst.words.slice();
  share.sortOut(burst);
  assert.deepEqual(sent, [
    [0, 32],
    [2, 80],
    [2, 80],
    [2, 40],
    [2, 92],
    [0, 64],
  ]);
  assert.equal(burst.count, 3);
  const kept = [1, 4, 6].flatMap((i) => [...whole.subarray(i * 16, (i + 1) * 16)]);
  assert.deepEqual([...burst.words.subarray(0, 48)], kept);
});

test('what is no message stays, whatever its bytes: the core counts it', () => {
  const { share, sent } = shared(1);
  const burst = burstOf(
    ...[[], [4], [4, 0, 0, 0, 0, 0]].map((bytes) => ({ bytes: new Uint8Array(bytes) })),
    { bytes: message(MessageType.response, 8, 2, 91) },
    { bytes: message(MessageType.transport, 4, 2, 31) },
    { bytes: new Uint8Array(40).fill(0xff) },
  );
  share.sortOut(burst);
  assert.deepEqual([burst.count, sent], [6, []]);
});

test('a single thread has all peers, and looks at nothing', () => {
  const share = new PeerShare(0, 1, undefined);
  const burst = burstOf({ bytes: message(MessageType.transport, 4, 7, 32) });
  share.sortOut(burst);
  assert.equal(burst.count, 1);
  assert.equal(share.handOnInitiation(keyOf(7), new Uint8Array(148), 0, 148, burst.words, 0), false);
});

test('an initiation of another thread’s peer goes there, for as long as that has it and by the key that it has', () => {
  const { share, sent } = shared(1);
  share.change({ elsewhere: placesOf(2, 4), nowhere: none });
  const { words } = burstOf({ bytes: new Uint8Array(148) });
  const handOn = (number: number) => share.handOnInitiation(keyOf(number), new Uint8Array(148), 0, 148, words, 0);
  assert.deepEqual([handOn(2), handOn(1), handOn(9)], [true, false, false]);
  assert.deepEqual(sent, [[0, 148]]);
  share.change({ elsewhere: placesOf(6), nowhere: writeKeys([keyOf(2)]) });
  assert.deepEqual([handOn(2), handOn(4), handOn(6)], [false, true, true], 'it is nobody’s any more; others stay');
  // A key goes from one to another at once.
  share.change({ elsewhere: placesOf(4), nowhere: writeKeys([keyOf(4), keyOf(6)]) });
  assert.deepEqual([handOn(4), handOn(6)], [true, false]);
});
