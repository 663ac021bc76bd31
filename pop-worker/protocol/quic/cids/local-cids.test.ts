import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../errors.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import { LocalCids } from './local-cids.ts';
import { cid, token, violation, written } from './testing/written.ts';

const local = (initial = cid(0)) => {
  let made = 0;
  const index = new Map<string, number>();
  const cids = new LocalCids({
    initial,
    generate: () => cid(++made),
    resetToken: (id) => token(id[2] as number),
    issued: (id, sequence) => index.set(id.join(), sequence),
    retired: (id) => index.delete(id.join()),
  });
  return { cids, index };
};

test("§5.1.1: issues up to the peer's limit, numbers rising by one", () => {
  const { cids, index } = local();
  assert.equal(cids.pending, false);
  cids.setPeerLimit(3);
  const { sequences, bytes } = written(cids);
  assert.deepEqual(sequences, [1, 2]);
  assert.deepEqual([...bytes.subarray(0, 8)], [0x18, 1, 0, 4, ...cid(1)]);
  assert.deepEqual([...index.values()], [1, 2]);
  assert.equal(cids.pending, false);
  cids.frameLost(2);
  assert.deepEqual(written(cids).sequences, [2]);
  cids.setPeerLimit(100);
  assert.deepEqual(written(cids).sequences, [3]);
  assert.equal(cids.sequenceOf(Uint8Array.of(1, ...cid(2)), 1, 4), 2);
  assert.equal(cids.sequenceOf(Uint8Array.of(1, ...cid(9)), 1, 4), -1);
});

test('§19.16: a retired ID is replaced; what cannot be retired is a PROTOCOL_VIOLATION', () => {
  const { cids, index } = local();
  cids.setPeerLimit(2);
  assert.throws(() => cids.onRetire(1, 0), violation);
  written(cids);
  assert.throws(() => cids.onRetire(1, 1), violation);
  assert.throws(() => cids.onRetire(2, 1), violation);
  cids.onRetire(0, 1);
  cids.onRetire(0, 1);
  assert.deepEqual(written(cids).sequences, [2]);
  assert.deepEqual([...index.values()], [1, 2]);
  cids.frameLost(0);
  assert.equal(cids.pending, false);
});

test('§5.1.1: zero-length IDs are not added to and cannot be retired', () => {
  const { cids } = local(new Uint8Array(0));
  cids.setPeerLimit(4);
  assert.equal(cids.pending, false);
  assert.equal(cids.replaceAll(), false);
  assert.throws(() => cids.onRetire(0, -1), violation);
});

test('§5.1.1: the preferred address has sequence number 1', () => {
  const { cids } = local();
  cids.addPreferred(cid(99));
  cids.setPeerLimit(3);
  assert.deepEqual(written(cids).sequences, [2]);
  cids.onRetire(1, 0);
  assert.throws(() => cids.addPreferred(cid(98)), { fault: 'local' });
});

test('§5.1.2: replacing all issues as many anew, once the last replacement is done with', () => {
  const { cids } = local();
  cids.setPeerLimit(2);
  written(cids);
  cids.frameLost(1);
  assert.equal(cids.replaceAll(), true);
  const { sequences, bytes } = written(cids);
  assert.deepEqual(sequences, [1, 2, 3]);
  // Retire Prior To: never above the frame's own number (§19.15).
  assert.deepEqual([bytes[2], bytes[24 + 2], bytes[48 + 2]], [1, 2, 2]);
  assert.equal(cids.replaceAll(), false);
  cids.onRetire(0, 2);
  cids.onRetire(1, 2);
  assert.equal(cids.pending, false);
  assert.equal(cids.count, 2);
  assert.equal(cids.replaceAll(), true);
});

test('any RETIRE_CONNECTION_ID frames: only remote errors, never more IDs than the limit', () => {
  const step = fc.tuple(fc.nat(30), fc.nat(30), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { cids } = local();
      cids.setPeerLimit(8);
      try {
        for (const [sequence, arrivedOn, replace] of steps) {
          cids.onRetire(sequence, arrivedOn);
          if (replace) cids.replaceAll();
          written(cids, 60);
          assert.ok(cids.count <= 8);
        }
      } catch (error) {
        assert.ok(error instanceof QuicError && error.fault === 'remote', String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('its frames are recorded as NEW_CONNECTION_ID', () => {
  const { cids } = local();
  cids.setPeerLimit(2);
  const { kinds, sequences } = written(cids, 100);
  assert.deepEqual([kinds, sequences], [[FrameKind.newConnectionId], [1]]);
});
