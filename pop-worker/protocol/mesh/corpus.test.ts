import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { type MeshError, MeshErrorCode } from './errors.ts';
import { FEW_RECORDS, HELLO, inPieces, Victim } from './testing/hostile.ts';
import { FRAME_HEADER_BYTES, FrameType, MOST_FRAME_BYTES } from './wire/frame.ts';
import { PacketHeader } from './wire/packet.ts';
import { Reader } from './wire/reader.ts';
import { readDevicePlace } from './wire/sources.ts';

const corpus = (name: string) => readCorpus<string>(new URL(`testing/corpus/${name}.json`, import.meta.url));

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
