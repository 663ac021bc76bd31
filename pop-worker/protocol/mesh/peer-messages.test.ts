import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { type MeshError, MeshErrorCode } from './errors.ts';
import { HELLO, inPieces, Victim } from './testing/hostile.ts';
import { FRAME_HEADER_BYTES, FrameType, frameOf } from './wire/frame.ts';
import { readUpdates, writeWant } from './wire/presence.ts';
import { Reader } from './wire/reader.ts';
import { writeRelay } from './wire/relay.ts';

const corpus = (name: string) => readCorpus<string>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const readerOf = (bytes: Uint8Array): Reader => new Reader(bytes, 0, bytes.length);
const outcome = (error: MeshError | undefined): string =>
  error === undefined
    ? 'open'
    : (Object.entries(MeshErrorCode).find(([, code]) => code === error.code)?.[0] ?? 'unknown');

test('streams of a peer', () => {
  for (const { name, bytes, expect } of corpus('streams')) {
    assert.equal(outcome(new Victim().says(bytes)), expect, name);
    assert.equal(outcome(inPieces(new Victim(), bytes)), expect, `${name}, in two pieces`);
  }
});

test('datagrams of a peer', () => {
  for (const { name, bytes, expect } of corpus('datagrams')) {
    const victim = new Victim();
    victim.says(HELLO);
    assert.equal(outcome(victim.sends(bytes)), expect, name);
  }
});

test('a member that speaks version 1 is sent no filters', () => {
  const greeted = (oldest: number, newest: number): boolean => {
    const victim = new Victim();
    victim.says(Uint8Array.of(1, 0, 10, oldest, newest, 0, 2, 0, 0, 0, 0, 0, 1));
    victim.poll();
    assert.ok(victim.mesh.isReady(2));
    return victim.mesh.takesFilters(2);
  };
  assert.deepEqual([greeted(1, 1), greeted(1, 2), greeted(2, 3)], [false, true, true]);
  assert.equal(new Victim().mesh.takesFilters(2), false, 'who has said nothing yet');
});

test('a member is told of changes from version 3 on, also while there is no link to it', () => {
  const revisions = (newest: number, isLinked: boolean): (number | undefined)[] => {
    const victim = new Victim();
    victim.says(Uint8Array.of(1, 0, 10, 1, newest, 0, 2, 0, 0, 0, 0, 0, 1));
    victim.poll();
    victim.mesh.arrive('a/phone', new Uint8Array(1), 1, undefined, victim.now);
    victim.mesh.change('a/phone', new Uint8Array(1), victim.now);
    if (!isLinked) victim.mesh.unlinked(2, victim.now);
    victim.mesh.gossip.receive(FrameType.want, readerOf(writeWant(['a/phone'])), 2, victim.now);
    const frame = victim.mesh.gossip.next(2) ?? assert.fail();
    return readUpdates(readerOf(frame.subarray(FRAME_HEADER_BYTES))).map(({ record }) => record.revision);
  };
  assert.deepEqual([revisions(2, true), revisions(3, true), revisions(3, false)], [[undefined], [1], [1]]);
});

test('a peer that sends more frames than a member may is cut off', () => {
  const victim = new Victim();
  victim.says(HELLO);
  const vectors = new Uint8Array(3 * 1000);
  for (let i = 0; i < 1000; i++) vectors[3 * i] = FrameType.vector;
  let error: MeshError | undefined;
  let turns = 0;
  for (; error === undefined && turns < 100; turns++) error = victim.says(vectors);
  assert.equal(outcome(error), 'rate');
  assert.equal(turns, 20);
});

test('a peer that sends more probes than a member may is not listened to', () => {
  const victim = new Victim();
  victim.says(HELLO);
  const probe = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 66, 64, 0, 2, 73, 240, 0, 0);
  for (let i = 1; i <= 600; i++) {
    new DataView(probe.buffer).setUint32(2, i);
    victim.sends(probe);
  }
  assert.equal(victim.mesh.counters.probesRefused, 100);
});

test('who is no member has no link, and what comes without one is not read', () => {
  const victim = new Victim();
  assert.throws(() => victim.mesh.linked(9, victim.now), { code: MeshErrorCode.member });
  victim.mesh.unlinked(2, victim.now);
  assert.equal(victim.says(Uint8Array.of(0xff, 0xff, 0xff)), undefined);
  assert.equal(victim.sends(Uint8Array.of(0xff)), undefined);
});

test('what is to be relayed to a member that takes no more waits, so much and no more, and goes in its order', () => {
  const victim = new Victim();
  victim.says(HELLO);
  victim.poll();
  victim.toOther.length = 0;
  victim.full.add(3);
  const relayed = (n: number): Uint8Array =>
    frameOf(
      FrameType.relay,
      writeRelay({ from: 2, to: 3, type: FrameType.confirm, payload: new Uint8Array(2000).fill(n) }),
    );
  for (let n = 0; n < 1000; n++) {
    assert.equal(victim.says(relayed(n)), undefined);
    if (n % 100 === 0) victim.poll();
  }
  assert.equal(victim.toOther.length, 0);
  const kept = Math.floor(2 ** 18 / relayed(0).length);
  assert.equal(victim.mesh.counters.relayFailed, 1000 - kept);
  victim.full.clear();
  victim.poll();
  assert.deepEqual(
    victim.toOther.filter(([type]) => type === FrameType.relay).map((frame) => frame.at(-1)),
    Array.from({ length: kept }, (_, n) => n & 255),
  );
  assert.equal(victim.mesh.counters.relayed, kept);
  // There is room for as much again; and what waits for who is gone goes with it.
  for (let n = 0; n < kept; n++) assert.equal(victim.says(relayed(n)), undefined);
  victim.poll();
  assert.equal(victim.mesh.counters.relayed, 2 * kept);
  victim.full.add(3);
  assert.equal(victim.says(relayed(1)), undefined);
  victim.mesh.unlinked(3, victim.now);
  victim.poll();
  assert.equal(victim.mesh.counters.relayFailed, 1000 - kept + 1);
});
