import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { type MeshError, MeshErrorCode } from './errors.ts';
import { FEW_RECORDS, Victim } from './testing/hostile.ts';
import { FRAME_HEADER_BYTES, FrameType, MOST_FRAME_BYTES } from './wire/frame.ts';
import { PacketHeader } from './wire/packet.ts';
import { Reader } from './wire/reader.ts';
import { readDevicePlace } from './wire/sources.ts';

const corpus = (name: string) => readCorpus<string>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const HELLO = Uint8Array.of(1, 0, 10, 1, 1, 0, 2, 0, 0, 0, 0, 0, 1);
const outcome = (error: MeshError | undefined): string =>
  error === undefined
    ? 'open'
    : (Object.entries(MeshErrorCode).find(([, code]) => code === error.code)?.[0] ?? 'unknown');

/** In two pieces, to be put together again. */
const inPieces = (victim: Victim, bytes: Uint8Array): MeshError | undefined => {
  const half = bytes.length >> 1;
  return victim.says(bytes.subarray(0, half)) ?? victim.says(bytes.subarray(half));
};

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

test('whatever a peer of the corpus says on its stream, only errors of the mesh come of it, and little is kept or answered', () => {
  survive(corpus('streams'), (bytes) => {
    const victim = new Victim();
    inPieces(victim, bytes);
    const before = victim.sentBytes;
    victim.poll();
    assert.ok(
      victim.sentBytes - before < 100_000 + 64 * bytes.length,
      `${victim.sentBytes - before} bytes for ${bytes.length}`,
    );
    assert.ok(victim.mesh.gossip.table.size <= FEW_RECORDS);
    assert.equal(victim.mesh.holdsLease(victim.now), false);
    for (const member of [2, 3, 4, 5]) assert.equal(victim.mesh.isDead(member, victim.now), false);
    // Nothing goes to a third that its sender did not mean for it: updates, and what else this worker itself has to say.
    for (const frame of victim.toOther) {
      assert.ok(frame.length <= FRAME_HEADER_BYTES + MOST_FRAME_BYTES);
      assert.ok(Object.values(FrameType).includes(frame[0] as FrameType));
    }
  });
});

test('whatever datagrams a peer of the corpus sends, one member alone gives no lease and kills nobody but itself', () => {
  survive(corpus('datagrams'), (bytes) => {
    const victim = new Victim();
    victim.says(HELLO);
    for (let i = 0; i < 3; i++) {
      victim.sends(bytes);
      victim.now += 10_000;
      victim.poll();
    }
    assert.equal(victim.mesh.holdsLease(victim.now), false);
    for (const member of [3, 4, 5]) assert.equal(victim.mesh.isDead(member, victim.now), false);
    const [peer] = victim.mesh.status(victim.now);
    assert.ok(peer !== undefined && peer.loss >= 0 && peer.loss <= 1 && (peer.rttMs ?? 0) >= 0);
  });
});

test('headers of packets and places of devices', () => {
  const header = new PacketHeader();
  survive(corpus('datagrams'), (bytes) => {
    if (!header.read(bytes, 0, bytes.length)) return;
    assert.ok(header.packetAt < bytes.length && header.thread < 256 && header.id < 2 ** 32);
  });
  survive(corpus('streams'), (bytes) => {
    try {
      readDevicePlace(new Reader(bytes, 0, bytes.length));
    } catch (error) {
      assert.equal((error as MeshError).code, MeshErrorCode.frame);
    }
  });
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
