import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LocalCids, PeerCids } from './cids.ts';
import { QuicError } from './errors.ts';
import { FrameKind } from './recovery/frame-kind.ts';
import { ArrayLog } from './streams/testing/log.ts';

const cid = (n: number): Uint8Array => Uint8Array.of(0xc0, n >> 8, n & 0xff, 7);
const token = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

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

const written = (part: { writeFrames: LocalCids['writeFrames'] }, room = 1000): [number[], Uint8Array] => {
  const buffer = new Uint8Array(room);
  const log = new ArrayLog();
  const end = part.writeFrames(buffer, 0, room, log);
  return [log.frames.map(([, a]) => a), buffer.subarray(0, end)];
};

const violation = { code: 0x0a, fault: 'remote' };

test("§5.1.1: issues up to the peer's limit, numbers rising by one", () => {
  const { cids, index } = local();
  assert.equal(cids.pending, false);
  cids.setPeerLimit(3);
  const [sequences, bytes] = written(cids);
  assert.deepEqual(sequences, [1, 2]);
  assert.deepEqual([...bytes.subarray(0, 8)], [0x18, 1, 0, 4, ...cid(1)]);
  assert.deepEqual([...index.values()], [1, 2]);
  assert.equal(cids.pending, false);
  cids.frameLost(2);
  assert.deepEqual(written(cids)[0], [2]);
  cids.setPeerLimit(100);
  assert.deepEqual(written(cids)[0], [3]);
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
  assert.deepEqual(written(cids)[0], [2]);
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
  assert.deepEqual(written(cids)[0], [2]);
  cids.onRetire(1, 0);
  assert.throws(() => cids.addPreferred(cid(98)), { fault: 'local' });
});

test('§5.1.2: replacing all issues as many anew, once the last replacement is done with', () => {
  const { cids } = local();
  cids.setPeerLimit(2);
  written(cids);
  cids.frameLost(1);
  assert.equal(cids.replaceAll(), true);
  const [sequences, bytes] = written(cids);
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

const peer = (limit = 4): PeerCids => new PeerCids(limit, cid(0));

test('§9.5: each path has its own ID, a path that changes retires the former', () => {
  const cids = peer();
  assert.equal(cids.assign(1), false);
  assert.equal(cids.cidOf(1), undefined);
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  cids.onNewConnectionId(2, 0, cid(2), token(2));
  assert.equal(cids.available, 2);
  assert.equal(cids.assign(1), true);
  assert.deepEqual([cids.cidOf(0), cids.cidOf(1)], [cid(0), cid(1)]);
  assert.equal(cids.assign(0), true);
  assert.deepEqual([cids.cidOf(0), cids.available], [cid(2), 0]);
  assert.deepEqual(written(cids), [[0], Uint8Array.of(0x19, 0)]);
  cids.frameLost(0);
  assert.deepEqual(written(cids)[0], [0]);
  cids.frameAcked(0);
  cids.frameLost(0);
  assert.equal(cids.pending, false);
  cids.release(1);
  assert.deepEqual(written(cids)[0], [1]);
  // A late copy of its frame brings nothing back.
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  assert.deepEqual([cids.available, cids.pending], [0, false]);
});

test('§5.1.2: Retire Prior To retires, and paths go on with what is new', () => {
  const cids = peer(2);
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  cids.onNewConnectionId(3, 3, cid(3), token(3));
  assert.deepEqual(written(cids)[0].sort(), [0, 1]);
  assert.deepEqual(cids.cidOf(0), cid(3));
  // §19.15: number 2 was retired before it came.
  cids.onNewConnectionId(2, 0, cid(2), token(2));
  cids.onNewConnectionId(2, 0, cid(2), token(2));
  assert.deepEqual(written(cids)[0], [2]);
  assert.equal(cids.available, 0);
});

test('§19.15: repetition is fine, contradiction is a PROTOCOL_VIOLATION', () => {
  const cids = peer();
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  assert.equal(cids.available, 1);
  assert.throws(() => cids.onNewConnectionId(1, 0, cid(2), token(1)), violation);
  assert.throws(() => cids.onNewConnectionId(1, 0, cid(1), token(2)), violation);
  assert.throws(() => cids.onNewConnectionId(2, 0, cid(1), token(1)), violation);
  assert.throws(() => cids.onNewConnectionId(2, 3, cid(2), token(2)), { code: 0x07, fault: 'remote' });
  assert.throws(() => new PeerCids(2, new Uint8Array(0)).onNewConnectionId(1, 0, cid(1), token(1)), violation);
});

test('§5.1.1: more active IDs than our limit: CONNECTION_ID_LIMIT_ERROR', () => {
  const cids = peer(2);
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  assert.throws(() => cids.onNewConnectionId(2, 0, cid(2), token(2)), { code: 0x09, fault: 'remote' });
});

test('§5.1.2: retirements that the peer never acknowledges end the connection', () => {
  const cids = peer(2);
  const churn = (): void => {
    for (let n = 1; n < 100; n++) cids.onNewConnectionId(n, n, cid(n), token(n));
  };
  assert.throws(churn, { code: 0x09, fault: 'remote' });
});

test('§10.3.1: reset tokens count for IDs that were used and are not retired', () => {
  const events: string[] = [];
  const cids = new PeerCids(4, cid(0), {
    used: (bytes) => events.push(`used ${bytes[0]}`),
    dropped: (bytes) => events.push(`dropped ${bytes[0]}`),
  });
  cids.setInitialToken(token(9));
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  const datagram = (n: number): Uint8Array => Uint8Array.of(5, 5, ...token(n));
  assert.deepEqual(
    [9, 1].map((n) => cids.isResetToken(datagram(n), 2, equal)),
    [true, false],
  );
  cids.assign(0);
  assert.deepEqual(
    [9, 1].map((n) => cids.isResetToken(datagram(n), 2, equal)),
    [false, true],
  );
  assert.equal(cids.isResetToken(datagram(1), 3, equal), false);
  assert.deepEqual(events, ['used 9', 'dropped 9', 'used 1']);
});

test('§10.3.1: all tokens in use are compared, whatever is found', () => {
  const cids = new PeerCids(4, cid(0));
  cids.setInitialToken(token(9));
  for (const n of [1, 2, 3]) {
    cids.onNewConnectionId(n, 0, cid(n), token(n));
    cids.assign(n);
  }
  for (const n of [9, 1, 2, 3, 77]) {
    let compared = 0;
    const found = cids.isResetToken(token(n), 0, (a, b) => {
      compared++;
      return equal(a, b);
    });
    assert.deepEqual([found, compared], [n !== 77, 4]);
  }
});

test('zero-length IDs of the peer serve every path', () => {
  const cids = new PeerCids(4, new Uint8Array(0));
  assert.equal(cids.assign(3), true);
  cids.release(3);
  assert.deepEqual([cids.cidOf(0)?.length, cids.cidOf(3)?.length, cids.pending], [0, 0, false]);
});

test('any frames: only remote errors, never more IDs than the limit plus the one at fault', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('new' as const), fc.nat(30), fc.nat(30), fc.nat(30)),
    fc.tuple(
      fc.constantFrom('assign' as const, 'release' as const, 'ack' as const, 'retire' as const),
      fc.nat(30),
      fc.nat(3),
      fc.nat(3),
    ),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const theirs = peer(4);
      const { cids: ours } = local();
      ours.setPeerLimit(8);
      try {
        for (const [what, a, b, c] of steps) {
          if (what === 'new') theirs.onNewConnectionId(a, b, cid(c), token(c));
          else if (what === 'assign') theirs.assign(b);
          else if (what === 'release') theirs.release(b);
          else if (what === 'ack') theirs.frameAcked(a);
          else ours.onRetire(a, b);
          written(theirs);
          written(ours, 60);
          assert.ok(theirs.available <= 4 && ours.count <= 8);
        }
      } catch (error) {
        assert.ok(error instanceof QuicError && error.fault === 'remote', String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('records name the kinds of their frames', () => {
  const { cids } = local();
  cids.setPeerLimit(2);
  const log = new ArrayLog();
  cids.writeFrames(new Uint8Array(100), 0, 100, log);
  const theirs = peer();
  theirs.onNewConnectionId(1, 1, cid(1), token(1));
  theirs.writeFrames(new Uint8Array(100), 0, 100, log);
  assert.deepEqual(log.frames, [
    [FrameKind.newConnectionId, 1, 0, 0],
    [FrameKind.retireConnectionId, 0, 0, 0],
  ]);
});
