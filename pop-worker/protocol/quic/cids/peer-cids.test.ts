import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError } from '../errors.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import { PeerCids } from './peer-cids.ts';
import { cid, token, violation, written } from './testing/written.ts';

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

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
  assert.deepEqual([...written(cids.retirements).bytes], [0x19, 0]);
  cids.retirements.frameLost(0);
  assert.deepEqual(written(cids.retirements).sequences, [0]);
  cids.retirements.frameAcked(0);
  cids.retirements.frameLost(0);
  assert.equal(cids.retirements.pending, false);
  cids.release(1);
  assert.deepEqual(written(cids.retirements).sequences, [1]);
  // A late copy of its frame brings nothing back.
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  assert.deepEqual([cids.available, cids.retirements.pending], [0, false]);
});

test('§5.1.2: Retire Prior To retires, and paths go on with what is new', () => {
  const cids = peer(2);
  cids.onNewConnectionId(1, 0, cid(1), token(1));
  cids.onNewConnectionId(3, 3, cid(3), token(3));
  assert.deepEqual(written(cids.retirements).sequences.sort(), [0, 1]);
  assert.deepEqual(cids.cidOf(0), cid(3));
  // §19.15: number 2 was retired before it came.
  cids.onNewConnectionId(2, 0, cid(2), token(2));
  cids.onNewConnectionId(2, 0, cid(2), token(2));
  assert.deepEqual(written(cids.retirements).sequences, [2]);
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
  assert.deepEqual([cids.cidOf(0)?.length, cids.cidOf(3)?.length, cids.retirements.pending], [0, 0, false]);
});

test('any frames: only remote errors, never more IDs than the limit plus the one at fault', () => {
  const step = fc.oneof(
    fc.tuple(fc.constant('new' as const), fc.nat(30), fc.nat(30), fc.nat(30)),
    fc.tuple(fc.constantFrom('assign' as const, 'release' as const, 'ack' as const), fc.nat(30), fc.nat(3), fc.nat(3)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const theirs = peer(4);
      try {
        for (const [what, a, b, c] of steps) {
          if (what === 'new') theirs.onNewConnectionId(a, b, cid(c), token(c));
          else if (what === 'assign') theirs.assign(b);
          else if (what === 'release') theirs.release(b);
          else theirs.retirements.frameAcked(a);
          written(theirs.retirements);
          assert.ok(theirs.available <= 4);
        }
      } catch (error) {
        assert.ok(error instanceof QuicError && error.fault === 'remote', String(error));
      }
    }),
    { numRuns: 300 },
  );
});

test('its frames are recorded as RETIRE_CONNECTION_ID', () => {
  const cids = peer();
  cids.onNewConnectionId(1, 1, cid(1), token(1));
  const { kinds, sequences } = written(cids.retirements, 100);
  assert.deepEqual([kinds, sequences], [[FrameKind.retireConnectionId], [0]]);
});
