import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { native } from '../native.ts';
import { engineMac } from './engine-mac.ts';
import { enginePorts } from './engine-ports.ts';
import { nodeMac } from './mac.ts';
import { nodePorts } from './ports.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

test('macs and hashes are those of the other implementation, at every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), fc.uint8Array({ maxLength: 400 }), (key, text) => {
      const [one, other] = [new Uint8Array(20), new Uint8Array(20)];
      nodeMac.mac(key, text, 0, text.length, one, 3);
      engineMac.mac(key, text, 0, text.length, other, 3);
      assert.deepEqual(other, one);
      const digest = new Uint8Array(32);
      native.wireguardHash(key, text, digest);
      assert.equal(
        Buffer.from(digest).toString('hex'),
        createHash('blake2s256').update(key).update(text).digest('hex'),
      );
    }),
  );
  for (const label of ['mac1----', 'cookie--'] as const)
    assert.deepEqual(
      engineMac.labelled(label, new Uint8Array(32).fill(8)),
      nodeMac.labelled(label, new Uint8Array(32).fill(8)),
    );
});

test('cookies of one implementation are opened by the other, and changed ones by neither', () => {
  fc.assert(
    fc.property(bytes(32), bytes(24), bytes(16), bytes(16), fc.nat(31), (key, nonce, cookie, mac1, at) => {
      const [one, other] = [new Uint8Array(32), new Uint8Array(32)];
      nodeMac.sealCookie(key, nonce, cookie, mac1, one);
      engineMac.sealCookie(key, nonce, cookie, mac1, other);
      assert.deepEqual(other, one);
      assert.deepEqual(engineMac.openCookie(key, nonce, one, mac1), cookie);
      one[at]! ^= 4;
      assert.equal(engineMac.openCookie(key, nonce, one, mac1), undefined);
      assert.equal(nodeMac.openCookie(key, nonce, one, mac1), undefined);
    }),
    { numRuns: 30 },
  );
});

test('handshakes between both implementations, either beginning', () => {
  for (const [begins, answers] of [
    [nodePorts(), enginePorts()],
    [enginePorts(), nodePorts()],
  ] as const) {
    const a = begins.handshake.identity(new Uint8Array(32).fill(1));
    const b = answers.handshake.identity(new Uint8Array(32).fill(2));
    const [toB, toA] = [begins.handshake.peer(a, b.publicKey)!, answers.handshake.peer(b, a.publicKey)!];
    for (const peer of [toB, toA]) peer.setPresharedKey(new Uint8Array(32).fill(7));
    const [initiation, response, stamp] = [new Uint8Array(148), new Uint8Array(92), new Uint8Array(12)];
    const begun = begins.handshake.initiate(toB, new Uint8Array(12).fill(9), initiation, 0);
    const received = answers.handshake.readInitiation(b, initiation, 0)!;
    assert.ok(answers.handshake.readTimestamp(received, toA, initiation, 0, stamp));
    assert.deepEqual(stamp, new Uint8Array(12).fill(9));
    const theirs = answers.handshake.respond(received, toA, response, 0)!;
    const ours = begins.handshake.readResponse(begun, toB, response, 0)!;
    assert.ok(theirs.send >= 0 && ours.send >= 0);
    assert.equal(begins.transport.size + answers.transport.size, 4);
  }
});

test('another identity: the same peer has another secret with it, and keeps the one that it had and its preshared key', () => {
  for (const ports of [nodePorts(), enginePorts()]) {
    const { handshake } = ports;
    const [before, after, other] = [1, 2, 3].map((byte) => handshake.identity(new Uint8Array(32).fill(byte)));
    const peer = handshake.peer(before!, other!.publicKey)!;
    peer.setPresharedKey(new Uint8Array(32).fill(7));
    const alike = handshake.alike(peer, after!);
    for (const [keys, own] of [
      [alike, after!],
      [peer, before!],
    ] as const) {
      assert.equal(keys.identity, own);
      const [initiation, response] = [new Uint8Array(148), new Uint8Array(92)];
      const begun = handshake.initiate(keys, new Uint8Array(12), initiation, 0);
      const received = handshake.readInitiation(other!, initiation, 0)!;
      assert.deepEqual(Uint8Array.from(received.publicKey), own.publicKey);
      const known = handshake.peer(other!, own.publicKey)!;
      known.setPresharedKey(new Uint8Array(32).fill(7));
      assert.ok(handshake.readTimestamp(received, known, initiation, 0, new Uint8Array(12)));
      assert.ok(handshake.respond(received, known, response, 0));
      assert.ok(handshake.readResponse(begun, keys, response, 0));
      // What is wiped of one is not wiped of the other.
      keys.forget();
    }
  }
});

test('keys by number: thousands come and go, and a number is given again', () => {
  const { transport } = enginePorts();
  const numbers = Array.from({ length: 5000 }, () => transport.add(new Uint8Array(32)));
  assert.equal(new Set(numbers).size, 5000);
  for (const number of numbers.slice(0, 3000)) transport.forget(number);
  assert.equal(transport.size, 2000);
  for (let i = 0; i < 3000; i++) assert.ok(transport.add(new Uint8Array(32)) < 5000);
  assert.equal(transport.size, 5000);
});

test('what is closed says so', () => {
  const { handshake } = enginePorts();
  const own = handshake.identity(new Uint8Array(32).fill(1));
  const peer = handshake.peer(own, handshake.identity(new Uint8Array(32).fill(2)).publicKey)!;
  const begun = handshake.initiate(peer, new Uint8Array(12), new Uint8Array(148), 0);
  begun.forget();
  begun.forget();
  assert.throws(() => handshake.readResponse(begun, peer, new Uint8Array(92), 0), { code: 'ERR_CLOSED' });
  own.forget();
  own.forget();
  assert.throws(() => handshake.readInitiation(own, new Uint8Array(148), 0), { code: 'ERR_CLOSED' });
});

test('what is wrong with a peer leaves no error of OpenSSL behind for Node’s own calls', () => {
  const { handshake } = enginePorts();
  const own = handshake.identity(new Uint8Array(32).fill(1));
  assert.equal(handshake.readInitiation(own, new Uint8Array(148), 0), undefined);
  assert.doesNotThrow(() => nodePorts().handshake.identity(new Uint8Array(32).fill(1)));
});
