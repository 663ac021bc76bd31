import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { udp } from '#protocol/ip/testing/packets.ts';
import { CidCodec } from '#protocol/quic-lb/codec.ts';
import type { BlockCipher } from '#protocol/quic-lb/ports.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { backend, loadBalancer, service } from '../testing/balanced.ts';
import { wentTo } from '../testing/flows.ts';
import { bytes, changed, ip } from '../testing/frames.ts';
import { decryptionKeys } from './aes.ts';
import type { BackendWanted, QuicLbWanted, ServiceWanted } from './wanted.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const VIP = '203.0.113.17';
const PORT = 53;
const SHORT: QuicLbWanted = { id: 0, serverIdBytes: 2, nonceBytes: 6, encodesLength: true };
const LONG: QuicLbWanted = { id: 5, serverIdBytes: 15, nonceBytes: 4, encodesLength: false };
const CONFIGS = [
  SHORT,
  LONG,
  { ...SHORT, id: 1, serverIdBytes: 8, nonceBytes: 4 },
  { ...SHORT, id: 2, serverIdBytes: 9, nonceBytes: 4 },
];

const noCipher = (): never => {
  throw new Error('there is no key');
};

/** A connection ID as a server makes it, whose ID is this number in all its bytes. */
const cidOf = (config: QuicLbWanted, number: number): Uint8Array => {
  const codec = new CidCodec({ ...config, key: undefined }, noCipher);
  const cid = new Uint8Array(codec.cidBytes).fill(0x77);
  cid.fill(number, 1, 1 + config.serverIdBytes);
  codec.seal(cid, 0, 0x1b);
  return cid;
};

const idsOf = (number: number) =>
  CONFIGS.map(({ id, serverIdBytes }) => ({ config: id, id: new Uint8Array(serverIdBytes).fill(number) }));

const quicService = (backends: readonly BackendWanted[], at = VIP): ServiceWanted =>
  service(at, backends, { isQuic: true, port: PORT });
const named = (number: number, more: Partial<BackendWanted> = {}): BackendWanted =>
  backend(`192.0.2.${number}`, { serverIds: idsOf(number), ...more });

const BACKENDS = [1, 2, 3, 4].map((number) => named(number));

const frameOf = (first: number, cid: Uint8Array, port = 5000, destination = VIP): Uint8Array => {
  const payload = udp(bytes([first], cid, new Uint8Array(30)));
  return changed(ip({ source: '10.64.0.2', destination, payload }), { 20: [port >>> 8, port & 255] });
};

const loaded = (t: TestContext, services: readonly ServiceWanted[] = [quicService(BACKENDS)]) => {
  const all = loadBalancer(t, services);
  all.balancer.setConfigs(CONFIGS);
  const show = (frame: Uint8Array): number => wentTo(all.front.show(frame).packet);
  /** Of how each of so many ports goes. */
  const ways = (first: number, cid: Uint8Array, destination = VIP): number[] =>
    Array.from({ length: 40 }, (_, i) => show(frameOf(first, cid, 6000 + i, destination)));
  return { ...all, show, ways };
};

const only = (number: number): number[] => Array.from({ length: 40 }, () => number);

test('a connection ID leads to the backend that made it, from whatever address', { skip }, (t) => {
  const { ways, balancer } = loaded(t);
  for (const config of CONFIGS)
    for (const number of [1, 2, 3, 4]) assert.deepEqual(ways(0x40, cidOf(config, number)), only(number));
  assert.equal(balancer.status().choices.named, 16 * 40);
});

test('what names nobody goes as its addresses and ports say', { skip }, (t) => {
  const { ways, balancer } = loaded(t);
  const plain = ways(0xc0, cidOf(SHORT, 1));
  assert.equal(new Set(plain).size, 4);
  const rows: [string, number, Uint8Array][] = [
    ['a long header', 0xe0, cidOf(SHORT, 1)],
    ['a server that there is not', 0x40, cidOf(SHORT, 9)],
    ['a configuration that there is not', 0x40, cidOf({ ...SHORT, id: 3 }, 1)],
    ['an unroutable one', 0x40, changedFirst(cidOf(SHORT, 1), 0xe8)],
    ['a length that is not the configuration’s', 0x40, changedFirst(cidOf(SHORT, 1), 9)],
  ];
  for (const [name, first, cid] of rows) assert.deepEqual(ways(first, cid), plain, name);
  assert.equal(balancer.status().choices.unnamed, 40);
});

const changedFirst = (cid: Uint8Array, first: number): Uint8Array => bytes([first], cid.subarray(1));

test('a datagram that is too short for a connection ID names nobody', { skip }, (t) => {
  const { show } = loaded(t);
  const plain = show(frameOf(0xc0, cidOf(SHORT, 1)));
  const cid = bytes([0x40], cidOf(SHORT, 1));
  for (let length = 0; length < cid.length; length++) {
    const frame = ip({ source: '10.64.0.2', destination: VIP, payload: udp(cid.subarray(0, length)) });
    assert.equal(show(frame), plain, `${length} bytes`);
  }
});

test('a backend that drains is still named; one that is down, gone, or of another service is not', { skip }, (t) => {
  const draining = [named(1, { isDraining: true }), ...BACKENDS.slice(1)];
  const other = '203.0.113.18';
  const { ways, balancer } = loaded(t, [quicService(draining), quicService([named(7)], other)]);
  assert.deepEqual(ways(0x40, cidOf(SHORT, 1)), only(1));
  assert.ok(!ways(0x40, cidOf(SHORT, 7)).includes(7));
  assert.deepEqual(ways(0x40, cidOf(SHORT, 1), other), only(7));
  balancer.setHealth([{ service: `udp ${VIP}:${PORT}`, backend: '192.0.2.2', health: 'down' }]);
  assert.ok(!ways(0x40, cidOf(SHORT, 2)).includes(2));
  balancer.setAll([quicService(draining.slice(1)), quicService([named(7)], other)]);
  assert.ok(!ways(0x40, cidOf(SHORT, 1)).includes(1));
  balancer.setConfigs([]);
  assert.ok(new Set(ways(0x40, cidOf(SHORT, 3))).size > 1);
});

test('of a service that is not QUIC’s connection IDs say nothing', { skip }, (t) => {
  const { ways } = loaded(t, [service(VIP, BACKENDS, { port: PORT }), quicService([named(9)], '203.0.113.19')]);
  assert.ok(new Set(ways(0x40, cidOf(SHORT, 1))).size > 1);
});

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 17 * i);
const makeCipher = (key: Uint8Array): BlockCipher => {
  const block = (make: typeof createCipheriv | typeof createDecipheriv) => (bytes: Uint8Array, at: number) => {
    const cipher = make('aes-128-ecb', key, null);
    cipher.setAutoPadding(false);
    bytes.set(cipher.update(bytes.subarray(at, at + 16)), at);
  };
  return { encrypt: block(createCipheriv), decrypt: block(createDecipheriv) };
};

test('a connection ID under a key leads to the backend that made it', { skip }, (t) => {
  const config: QuicLbWanted = { id: 4, serverIdBytes: 3, nonceBytes: 13, encodesLength: true, key: KEY };
  const keyed = [1, 2, 3].map((number) =>
    backend(`192.0.2.${number}`, { serverIds: [{ config: 4, id: Uint8Array.of(number, 7, number) }] }),
  );
  const { ways, balancer } = loaded(t, [quicService(keyed)]);
  balancer.setConfigs([config]);
  const codec = new CidCodec({ ...config, key: KEY }, makeCipher);
  for (let i = 0; i < 60; i++) {
    const number = 1 + (i % 3);
    const cid = crypto.getRandomValues(new Uint8Array(17));
    cid.set([number, 7, number], 1);
    codec.seal(cid, 0, 0);
    assert.deepEqual(ways(0x40, cid).slice(0, 3), only(number).slice(0, 3));
    cid[5] = (cid[5] as number) ^ 1;
    const before = balancer.status().choices.unnamed;
    ways(0x40, cid);
    assert.equal(balancer.status().choices.unnamed - before, 40);
  }
});

test('the way back of AES is that of FIPS 197, appendix A.1 and C.1', () => {
  // The last round of encryption comes first, and the key itself last.
  const key = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
  const keys = Buffer.from(decryptionKeys(key));
  assert.equal(keys.subarray(0, 16).toString('hex'), 'd014f9a8c9ee2589e13f0cc8b6630ca6');
  assert.deepEqual(keys.subarray(-16), key);
});

test('a key with other lengths is refused', { skip }, (t) => {
  const { balancer } = loaded(t);
  assert.throws(() => balancer.setConfigs([{ ...SHORT, key: KEY }]), {
    name: 'RangeError',
    message: /16 bytes together/,
  });
});
