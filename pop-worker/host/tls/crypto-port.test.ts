import assert from 'node:assert/strict';
import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { CipherSuite, OpenOutcome } from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import { opensslCrypto } from './crypto-port.ts';
import { chachaPacketNumber, connectionId, versions } from './testing/vectors.ts';

const bytes = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const NOTHING = new Uint8Array();

/** Seals one packet and opens it again; returns what was on the wire. */
const sealOne = (
  version: number,
  suite: CipherSuite,
  secret: Uint8Array,
  header: Uint8Array,
  payload: Uint8Array,
  number: number,
): Uint8Array => {
  const buffer = bytes(header, payload, new Uint8Array(16));
  const words = Int32Array.of(0, header.length, payload.length, 0);
  opensslCrypto.sealer(version, suite, secret).seal(buffer, words, Float64Array.of(number), 1);
  return buffer;
};

const openOne = (
  version: number,
  suite: CipherSuite,
  secret: Uint8Array,
  packet: Uint8Array,
  before: number,
  largest: number,
) => {
  const buffer = packet.slice();
  const words = Int32Array.of(0, before, packet.length, 99);
  const numbers = new Float64Array(1);
  const count = opensslCrypto.opener(version, suite, secret).open(buffer, words, numbers, 1, largest);
  const [, header = 0, payload = 0, outcome] = words;
  return {
    count,
    outcome,
    number: numbers[0],
    header: buffer.slice(0, header),
    payload: buffer.slice(header, header + payload),
  };
};

for (const vector of versions) {
  describe(`published vectors of version 0x${vector.version.toString(16)}`, () => {
    const { client, server } = opensslCrypto.initialSecrets(vector.version, connectionId);
    const aes = CipherSuite.aes128Gcm;

    it('derives the Initial secrets', () => {
      assert.deepEqual(client, vector.clientSecret);
      assert.deepEqual(server, vector.serverSecret);
    });

    it('protects the client Initial', () => {
      const payload = new Uint8Array(1162);
      payload.set(vector.clientFrame);
      assert.deepEqual(sealOne(vector.version, aes, client, vector.clientHeader, payload, 2), vector.clientPacket);
      const opened = openOne(vector.version, aes, client, vector.clientPacket, 18, -1);
      assert.deepEqual(opened, { count: 1, outcome: 0, number: 2, header: vector.clientHeader, payload });
    });

    it('protects the server Initial', () => {
      const { serverHeader: header, serverPayload: payload, serverPacket: packet } = vector;
      assert.deepEqual(sealOne(vector.version, aes, server, header, payload, 1), packet);
      assert.deepEqual(openOne(vector.version, aes, server, packet, 18, 0), {
        count: 1,
        outcome: 0,
        number: 1,
        header,
        payload,
      });
    });

    it('computes the Retry tag', () => {
      const body = vector.retry.subarray(0, -16);
      const pseudoPacket = bytes(Uint8Array.of(connectionId.length), connectionId, body);
      assert.deepEqual(opensslCrypto.retryTag(vector.version, pseudoPacket), vector.retry.slice(-16));
    });

    it('protects the ChaCha20-Poly1305 short header', () => {
      const { chachaSecret: secret, chachaHeader: header, chachaPacket: packet } = vector;
      const suite = CipherSuite.chacha20Poly1305;
      const payload = Uint8Array.of(1);
      assert.deepEqual(sealOne(vector.version, suite, secret, header, payload, chachaPacketNumber), packet);
      const opened = openOne(vector.version, suite, secret, packet, 1, chachaPacketNumber - 1);
      assert.deepEqual(opened, { count: 1, outcome: 0, number: chachaPacketNumber, header, payload });
      assert.deepEqual(
        native.hkdfExpandLabel(suite, secret, vector.updateLabel, NOTHING, 32),
        vector.chachaUpdatedSecret,
      );
    });

    it('discards a packet cut anywhere, and leaves its bytes', () => {
      for (let length = 18; length < vector.serverPacket.length; length++) {
        const buffer = vector.serverPacket.slice(0, length);
        const words = Int32Array.of(0, 18, length, 99);
        const opener = opensslCrypto.opener(vector.version, aes, server);
        assert.equal(opener.open(buffer, words, new Float64Array(1), 1, -1), 0);
        const outcome = length < 18 + 20 ? OpenOutcome.tooShort : OpenOutcome.forged;
        assert.deepEqual([...words], [0, 18, length, outcome]);
        assert.deepEqual(buffer, vector.serverPacket.slice(0, length));
      }
    });
  });
}

describe('key derivation beside node:crypto', () => {
  it('expands over several hashes', () => {
    for (const [suite, hash, size] of [
      [CipherSuite.aes128Gcm, 'sha256', 32],
      [CipherSuite.aes256Gcm, 'sha384', 48],
    ] as const) {
      const secret = Uint8Array.from({ length: size }, (_, index) => index);
      const context = Uint8Array.of(9, 8, 7);
      const length = 200;
      const label = Buffer.from('tls13 some label');
      const info = bytes(Uint8Array.of(0, length, label.length), label, Uint8Array.of(3), context);
      // HKDF-Expand alone, by hand: node:crypto only offers it with Extract in front.
      const blocks: Buffer[] = [];
      for (let index = 1; index <= Math.ceil(length / size); index++) {
        const mac = createHmac(hash, secret).update(blocks.at(-1) ?? NOTHING);
        blocks.push(mac.update(info).update(Uint8Array.of(index)).digest());
      }
      const expected = Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
      assert.deepEqual(native.hkdfExpandLabel(suite, secret, 'some label', context, length), expected);
    }
  });

  it('extracts as HKDF does', () => {
    const salt = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');
    for (const length of [0, 1, 8, 20]) {
      const cid = new Uint8Array(length).fill(7);
      const label = Buffer.from('00200f746c73313320636c69656e7420696e00', 'hex');
      const expected = new Uint8Array(hkdfSync('sha256', cid, salt, label, 32));
      assert.deepEqual(opensslCrypto.initialSecrets(1, cid).client, expected);
    }
  });

  it('makes reset tokens by HMAC-SHA256', () => {
    const key = new Uint8Array(32).fill(5);
    for (const cid of [NOTHING, connectionId]) {
      const expected = Uint8Array.from(createHmac('sha256', key).update(cid).digest().subarray(0, 16));
      assert.deepEqual(opensslCrypto.resetToken(key, cid), expected);
    }
    assert.throws(() => opensslCrypto.resetToken(new Uint8Array(15), connectionId), RangeError);
  });

  it('refuses what it does not know', () => {
    const secret = new Uint8Array(32);
    assert.throws(() => opensslCrypto.initialSecrets(2, connectionId), RangeError);
    assert.throws(() => opensslCrypto.retryTag(0, connectionId), RangeError);
    assert.throws(() => opensslCrypto.sealer(1, 0x1304 as CipherSuite, secret), RangeError);
    assert.throws(() => opensslCrypto.opener(7, CipherSuite.aes128Gcm, secret), RangeError);
    assert.throws(() => opensslCrypto.sealer(1, CipherSuite.aes256Gcm, secret), RangeError);
    assert.throws(() => opensslCrypto.sealer(1, CipherSuite.aes128Gcm, 'secret' as unknown as Uint8Array), RangeError);
  });
});

describe('tokens', () => {
  const key = new Uint8Array(32).fill(3);
  const associated = Uint8Array.of(192, 0, 2, 1);

  it('seals by AES-256-GCM with the nonce in front', () => {
    for (const size of [0, 1, 100, 3000]) {
      const plain = new Uint8Array(size).fill(size);
      const token = opensslCrypto.sealToken(key, plain, associated);
      const cipher = createCipheriv('aes-256-gcm', key, token.subarray(0, 12)).setAAD(associated);
      const expected = bytes(token.subarray(0, 12), cipher.update(plain), cipher.final(), cipher.getAuthTag());
      assert.deepEqual(token, expected);
      assert.deepEqual(opensslCrypto.openToken(key, token, associated), plain);
    }
  });

  it('never uses a nonce twice', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      seen.add(Buffer.from(opensslCrypto.sealToken(key, NOTHING, NOTHING).subarray(0, 12)).toString('hex'));
    }
    assert.equal(seen.size, 1000);
  });

  it('refuses every other key, address, bit and length', () => {
    const token = opensslCrypto.sealToken(key, Uint8Array.of(1, 2, 3), associated);
    assert.equal(opensslCrypto.openToken(new Uint8Array(32), token, associated), undefined);
    assert.equal(opensslCrypto.openToken(key, token, Uint8Array.of(192, 0, 2, 2)), undefined);
    assert.equal(opensslCrypto.openToken(key, token, NOTHING), undefined);
    for (let length = 0; length < token.length; length++) {
      assert.equal(opensslCrypto.openToken(key, token.subarray(0, length), associated), undefined);
    }
    for (let bit = 0; bit < token.length * 8; bit++) {
      const wrong = token.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(opensslCrypto.openToken(key, wrong, associated), undefined);
    }
  });
});

describe('equal', () => {
  it('compares content and length', () => {
    assert.equal(opensslCrypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2)), true);
    assert.equal(opensslCrypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3)), false);
    assert.equal(opensslCrypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1)), false);
    assert.equal(opensslCrypto.equal(NOTHING, NOTHING), true);
  });
});

describe('secrets', () => {
  for (const [name, make] of [
    ['sealerOpen', opensslCrypto.sealer],
    ['openerOpen', opensslCrypto.opener],
  ] as const) {
    it(`of ${name} are nowhere in memory once keys were made of them, and their owner's stay`, ({ mock }) => {
      const secret = Uint8Array.from({ length: 32 }, (_, index) => index + 1);
      const open = mock.method(native, name);
      make(versions[0].version, CipherSuite.aes128Gcm, secret).close();
      assert.throws(() => make(7, CipherSuite.aes128Gcm, secret), RangeError);
      const shown = open.mock.calls.map((call) => call.arguments[3]);
      assert.deepEqual(shown, [new Uint8Array(32), new Uint8Array(32)]);
      assert.deepEqual([secret[0], secret[31]], [1, 32]);
      // What is too long to be lent is the caller's own memory.
      const long = new Uint8Array(5000).fill(1);
      assert.throws(() => make(versions[0].version, CipherSuite.aes128Gcm, long));
      assert.ok(long.every((byte) => byte === 1));
    });
  }
});
