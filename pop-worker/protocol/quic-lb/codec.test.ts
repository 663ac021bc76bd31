import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CidCodec } from './codec.ts';
import { checkConfig, type QuicLbConfig } from './config.ts';
import { nodeBlockCipher } from './testing/cipher.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const KEY = hex('8f95f09245765f80256934e50c66207f');

const sealed = (config: QuicLbConfig, serverId: Uint8Array, nonce: Uint8Array, random = 0): Uint8Array => {
  const codec = new CidCodec(config, nodeBlockCipher);
  const cid = new Uint8Array(codec.cidBytes);
  cid.set(serverId, 1);
  cid.set(nonce, 1 + serverId.length);
  codec.seal(cid, 0, random);
  return cid;
};

const opened = (config: QuicLbConfig, cid: Uint8Array, length = cid.length): Uint8Array | undefined => {
  const serverId = new Uint8Array(16);
  // In the middle of a packet.
  const packet = new Uint8Array(3 + cid.length);
  packet.set(cid, 3);
  const found = new CidCodec(config, nodeBlockCipher).serverIdOf(packet, 3, length, serverId);
  assert.deepEqual(packet.subarray(3), cid, 'a packet stays as it is');
  return found ? serverId.slice(0, config.serverIdBytes) : undefined;
};

/**
 * Appendix B: rotation bits, server ID, nonce, connection ID. The text prints the second one's nonce without its first digit,
 * and that zero at the wrong place of the connection ID.
 */
const VECTORS = [
  [0, 'c4605e', '4504cc4f', '07c4605e4504cc4f', undefined],
  [1, '350d28b420', '03487d970b', '2a350d28b42003487d970b', undefined],
  [0, 'ed793a', 'ee080dbf', '0720b1d07b359d3c', KEY],
  [1, 'ed793a51d49b8f5fab65', 'ee080dbf48', '2fcc381bc74cb4fbad2823a3d1f8fed2', KEY],
  [2, 'ed793a51d49b8f5f', 'ee080dbf48c0d1e5', '504dd2d05a7b0de9b2b9907afb5ecf8cc3', KEY],
  [3, 'ed793a51d49b8f5fab', 'ee080dbf48c0d1e55d', '125779c9cc86beb3a3a4a3ca96fce4bfe0cdbc', KEY],
] as const;

for (const [id, serverId, nonce, cid, key] of VECTORS) {
  test(`draft-ietf-quic-load-balancers-21 appendix B: ${cid}`, () => {
    const config = { id, serverIdBytes: serverId.length / 2, nonceBytes: nonce.length / 2, key, encodesLength: true };
    // B.2's last vector has rotation bits 3 in its text and 0 in its first octet.
    const made = text(sealed(config, hex(serverId), hex(nonce)));
    assert.equal(made.slice(2), cid.slice(2));
    if (!cid.startsWith('12')) assert.equal(made, cid);
    assert.equal(text(opened(config, hex(made)) ?? assert.fail()), serverId);
  });
}

test('§5.4.2.4: the example of four passes, of an odd length', () => {
  const config = {
    ...{ id: 0, serverIdBytes: 3, nonceBytes: 4, encodesLength: true },
    key: hex('fdf726a9893ec05c0632d3956680baf0'),
  };
  assert.equal(text(sealed(config, hex('31441a'), hex('9c69c275'))), '0767947d29be054a');
});

const configs = fc
  .record({
    id: fc.integer({ min: 0, max: 6 }),
    serverIdBytes: fc.integer({ min: 1, max: 15 }),
    nonceBytes: fc.integer({ min: 4, max: 18 }),
    key: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined }),
    encodesLength: fc.boolean(),
  })
  .filter(({ serverIdBytes, nonceBytes }) => serverIdBytes + nonceBytes <= 19);

test('every configuration reads what it wrote, and writes each nonce differently', () => {
  const bytes = fc.uint8Array({ minLength: 19, maxLength: 19 });
  fc.assert(
    fc.property(configs, bytes, bytes, fc.integer({ min: 0, max: 31 }), (config, a, b, random) => {
      const serverId = a.subarray(0, config.serverIdBytes);
      const [one, other] = [a, b].map((nonce) => nonce.subarray(19 - config.nonceBytes)) as [Uint8Array, Uint8Array];
      const cid = sealed(config, serverId, one, random);
      assert.deepEqual(opened(config, cid), serverId);
      assert.equal((cid[0] as number) >> 5, config.id);
      assert.equal((cid[0] as number) & 31, config.encodesLength ? cid.length - 1 : random);
      assert.equal(text(sealed(config, serverId, other, random)) === text(cid), text(one) === text(other));
    }),
    { numRuns: 2000 },
  );
});

test('§4.1: what is too short, of another configuration or lies about its length is unroutable', () => {
  const config = { id: 2, serverIdBytes: 8, nonceBytes: 8, key: KEY, encodesLength: true };
  const cid = sealed(config, new Uint8Array(8), new Uint8Array(8));
  assert.equal(opened(config, cid, 16), undefined);
  assert.equal(opened({ ...config, id: 3 }, cid), undefined);
  assert.equal(opened(config, Uint8Array.of(0x51, ...cid.subarray(1))), undefined);
  // §5.4: bytes of the server's own use, of which a first octet that tells the length must know.
  const longer = Uint8Array.of(0x52, ...cid.subarray(1), 1, 2);
  assert.deepEqual(opened(config, longer), new Uint8Array(8));
  assert.deepEqual(opened({ ...config, encodesLength: false }, Uint8Array.of(...cid, 1)), new Uint8Array(8));
});

test('configurations out of bounds are refused by one sentence', () => {
  const good = { id: 0, serverIdBytes: 8, nonceBytes: 8, key: KEY, encodesLength: true };
  checkConfig(good);
  for (const [wrong, reason] of [
    [{ id: 7 }, /0 to 6, not 7/],
    [{ id: 0.5 }, /0 to 6/],
    [{ serverIdBytes: 0 }, /1 to 15 bytes, not 0/],
    [{ serverIdBytes: 16, nonceBytes: 4 }, /1 to 15/],
    [{ nonceBytes: 3 }, /4 to 18 bytes, not 3/],
    [{ serverIdBytes: 1, nonceBytes: 19 }, /4 to 18 bytes, not 19/],
    [{ serverIdBytes: 10, nonceBytes: 10 }, /19 bytes at most together, not 20/],
    [{ key: new Uint8Array(32) }, /16 bytes, not 32/],
  ] as const) {
    assert.throws(() => checkConfig({ ...good, ...wrong }), reason);
    assert.throws(() => new CidCodec({ ...good, ...wrong }, nodeBlockCipher), RangeError);
  }
});
