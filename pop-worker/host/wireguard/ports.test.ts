import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { J_OUTCOME, JOB_WORDS } from '#protocol/wireguard/ports.ts';
import { sealJob } from '#protocol/wireguard/testing/seal-job.ts';
import { blake2s } from './blake2s.ts';
import { enginePorts } from './engine-ports.ts';
import { nodePorts } from './ports.ts';
import { hchacha20, openX, sealX } from './xchacha.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const hashed = (key: Uint8Array | undefined, bytes: Uint8Array, length: number): string => {
  const into = new Uint8Array(length);
  blake2s(key, bytes, 0, bytes.length, into, 0, length);
  return Buffer.from(into).toString('hex');
};

test('BLAKE2s without a key is that of node:crypto, at every length', () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    assert.equal(hashed(undefined, bytes, 32), createHash('blake2s256').update(bytes).digest('hex'));
  }
});

test('BLAKE2s with keys and lengths: the self test of RFC 7693, appendix E', () => {
  const sequence = (length: number, seed: number): Uint8Array => {
    let [a, b] = [Math.imul(0xdead4bad, seed) >>> 0, 1];
    return Uint8Array.from({ length }, () => {
      const sum = (a + b) >>> 0;
      [a, b] = [b, sum];
      return sum >>> 24;
    });
  };
  const digests: string[] = [];
  for (const output of [16, 20, 28, 32]) {
    for (const input of [0, 3, 64, 65, 255, 1024]) {
      const bytes = sequence(input, input);
      digests.push(hashed(undefined, bytes, output), hashed(sequence(output, output), bytes, output));
    }
  }
  assert.equal(
    hashed(undefined, hex(digests.join('')), 32),
    '6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe',
  );
});

test('HChaCha20 and XChaCha20-Poly1305: draft-irtf-cfrg-xchacha-03, §2.2.1 and A.3.1', () => {
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  assert.equal(
    Buffer.from(hchacha20(key, hex('000000090000004a0000000031415927'))).toString('hex'),
    '82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc',
  );
  const plain = Buffer.from(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const secret = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
  const nonce = hex('404142434445464748494a4b4c4d4e4f5051525354555657');
  const associated = hex('50515253c0c1c2c3c4c5c6c7');
  const sealed = sealX(secret, nonce, plain, associated);
  assert.equal(Buffer.from(sealed.subarray(-16)).toString('hex'), 'c0875924c1c7987947deafd8780acf49');
  assert.deepEqual(openX(secret, nonce, sealed, associated), plain);
  sealed[3]! ^= 1;
  assert.equal(openX(secret, nonce, sealed, associated), undefined);
});

type Ports = ReturnType<typeof nodePorts> | ReturnType<typeof enginePorts>;

/** All that is made with: each must do the same. */
const IMPLEMENTATIONS: readonly (() => Ports)[] = [nodePorts, () => enginePorts(), () => enginePorts(false)];

const each = (prove: (make: () => Ports) => void): void => {
  for (const make of IMPLEMENTATIONS) prove(make);
};

/** Two sides that know each other. */
const pair = (ports: Ports) => {
  const { handshake } = ports;
  const [a, b] = [1, 2].map((byte) => handshake.identity(new Uint8Array(32).fill(byte))) as [never, never];
  const own = { a: a as ReturnType<typeof handshake.identity>, b: b as ReturnType<typeof handshake.identity> };
  return { ports, own, toB: handshake.peer(own.a, own.b.publicKey)!, toA: handshake.peer(own.b, own.a.publicKey)! };
};

const STAMP = Uint8Array.from({ length: 12 }, (_, i) => i);

test('a handshake ends with the same keys at both sides, in opposite roles, for every preshared key', () =>
  each((make) => {
    const { ports, own, toB, toA } = pair(make());
    const { handshake, transport } = ports;
    for (const psk of [0, 9]) {
      for (const peer of [toB, toA]) peer.setPresharedKey(new Uint8Array(32).fill(psk));
      const [initiation, response, stamp] = [new Uint8Array(148), new Uint8Array(92), new Uint8Array(12)];
      const begun = handshake.initiate(toB, STAMP, initiation, 0);
      const received = handshake.readInitiation(own.b, initiation, 0)!;
      assert.deepEqual(Uint8Array.from(received.publicKey), own.a.publicKey);
      assert.ok(handshake.readTimestamp(received, toA, initiation, 0, stamp));
      assert.deepEqual(stamp, STAMP);
      const theirs = handshake.respond(received, toA, response, 0)!;
      const ours = handshake.readResponse(begun, toB, response, 0)!;
      const message = new Uint8Array(16 + 5 + 16);
      message.set([1, 2, 3, 4, 5], 16);
      for (const [send, receive] of [
        [ours.send, theirs.receive],
        [theirs.send, ours.receive],
      ] as const) {
        transport.seal(message, message, sealJob({ key: send, length: 5, low: 7, high: 1 }), 1, 5);
        const job = Uint32Array.of(receive, 0, 5, 7, 1, 0);
        transport.open(message, job, 1);
        assert.equal(job[J_OUTCOME], 1);
        assert.deepEqual([...message.subarray(16, 21)], [1, 2, 3, 4, 5]);
      }
      for (const key of [ours.send, ours.receive, theirs.send, theirs.receive]) transport.forget(key);
    }
    assert.equal(transport.size, 0);
  }));

test('a response under another preshared key is refused, and the right one is taken after that', () =>
  each((make) => {
    const { ports, own, toB, toA } = pair(make());
    const { handshake } = ports;
    const [initiation, stamp] = [new Uint8Array(148), new Uint8Array(12)];
    const begun = handshake.initiate(toB, STAMP, initiation, 0);
    const respond = (psk: number): Uint8Array => {
      toA.setPresharedKey(new Uint8Array(32).fill(psk));
      const response = new Uint8Array(92);
      const received = handshake.readInitiation(own.b, initiation, 0)!;
      assert.ok(handshake.readTimestamp(received, toA, initiation, 0, stamp));
      handshake.respond(received, toA, response, 0);
      return response;
    };
    assert.equal(handshake.readResponse(begun, toB, respond(1), 0), undefined);
    assert.notEqual(handshake.readResponse(begun, toB, respond(0), 0), undefined);
  }));

test('no changed byte of an initiation or response is authentic', () =>
  each((make) => {
    const { ports, own, toB, toA } = pair(make());
    const { handshake } = ports;
    const [initiation, response, stamp] = [new Uint8Array(148), new Uint8Array(92), new Uint8Array(12)];
    const begun = handshake.initiate(toB, STAMP, initiation, 0);
    const isTaken = (bytes: Uint8Array): boolean => {
      const received = handshake.readInitiation(own.b, bytes, 0);
      return received !== undefined && handshake.readTimestamp(received, toA, bytes, 0, stamp);
    };
    for (let at = 8; at < 116; at++) {
      initiation[at]! ^= 1;
      assert.equal(isTaken(initiation), false, `byte ${at}`);
      initiation[at]! ^= 1;
    }
    const received = handshake.readInitiation(own.b, initiation, 0)!;
    handshake.readTimestamp(received, toA, initiation, 0, stamp);
    handshake.respond(received, toA, response, 0);
    for (let at = 12; at < 60; at++) {
      response[at]! ^= 1;
      assert.equal(handshake.readResponse(begun, toB, response, 0), undefined, `byte ${at}`);
      response[at]! ^= 1;
    }
  }));

test('keys of low order are no peers, and end a handshake without an exception', () =>
  each((make) => {
    const { ports, own } = pair(make());
    const lowOrder = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    ];
    for (const key of lowOrder) {
      assert.equal(ports.handshake.peer(own.a, hex(key)), undefined);
      const initiation = new Uint8Array(148);
      initiation.set(hex(key), 8);
      assert.equal(ports.handshake.readInitiation(own.b, initiation, 0), undefined);
    }
  }));

test('whatever bytes come as an initiation, nothing is thrown', () =>
  each((make) => {
    const { ports, own } = pair(make());
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 148, maxLength: 148 }), (bytes) => {
        assert.equal(ports.handshake.readInitiation(own.b, bytes, 0), undefined);
      }),
      { numRuns: 30 },
    );
  }));

test('a message that is not authentic stays as it came; one behind the buffer, or of no key, is a mistake of ours', () =>
  each((make) => {
    const { transport } = make();
    const key = transport.add(new Uint8Array(32).fill(3));
    const message = Uint8Array.from({ length: 48 }, (_, i) => i);
    const jobs = Uint32Array.of(key, 0, 16, 0, 0, 1);
    transport.open(message, jobs, 1);
    assert.equal(jobs[J_OUTCOME], 0);
    assert.deepEqual(
      message,
      Uint8Array.from({ length: 48 }, (_, i) => i),
    );
    assert.equal(jobs.length, JOB_WORDS);
    assert.throws(() => transport.open(message, Uint32Array.of(key, 0, 17, 0, 0, 0), 1), RangeError);
    transport.forget(key);
    transport.forget(key);
    assert.throws(() => transport.seal(message, message, sealJob({ key, length: 16 }), 1, 16), RangeError);
  }));
