import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '#protocol/ip/text.ts';
import { COOKIE_BYTES, Cookies, isCookie } from './cookies.ts';
import { sipHash } from './siphash.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;

test('SipHash-2-4 of its authors', () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const input = Uint8Array.from({ length: 64 }, (_, i) => i);
  const out = new Uint8Array(8);
  const vectors: readonly (readonly [number, string])[] = [
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [7, '37d1018bf50002ab'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
    [63, '724506eb4c328a95'],
  ];
  for (const [length, expected] of vectors) {
    sipHash(key, input, length, out, 0);
    assert.equal(Buffer.from(out).toString('hex'), expected, `${length} bytes`);
  }
});

test('cookies of RFC 9018, appendix A', () => {
  const cookies = new Cookies(hex('e5e973e5a6b2a43f48e7dc849e37bfcf'));
  const client = hex('2464c4abcf10c957');
  cookies.nowSeconds = 1_559_731_985;
  const out = new Uint8Array(COOKIE_BYTES);
  cookies.write(out, 0, client, 0, address('198.51.100.100'));
  assert.equal(Buffer.from(out).toString('hex'), '2464c4abcf10c957010000005cf79f111f8130c3eee29480');
});

test('what others left in a cookie of theirs is not in ours', () => {
  const cookies = new Cookies(new Uint8Array(16));
  const theirs = hex(`2464c4abcf10c95701ffffff${'00'.repeat(12)}`);
  assert.equal(cookies.judge(theirs, 0, COOKIE_BYTES, address('192.0.2.1')), 'client');
  const out = new Uint8Array(COOKIE_BYTES);
  cookies.write(out, 0, theirs, 0, address('192.0.2.1'));
  assert.equal(Buffer.from(out).toString('hex').slice(0, 32), '2464c4abcf10c9570100000000000000');
});

test('a cookie is good for who got it, for an hour, and for clocks that are a little ahead', () => {
  const cookies = new Cookies(new Uint8Array(16).fill(7));
  const [mine, other] = [address('2001:db8::1'), address('2001:db8::2')];
  cookies.nowSeconds = 2 ** 32 - 100;
  const cookie = new Uint8Array(3 + COOKIE_BYTES);
  cookies.write(cookie, 3, hex('0102030405060708'), 0, mine);
  const judged = (afterSeconds: number, from = mine, bytes = cookie): string => {
    cookies.nowSeconds = (2 ** 32 - 100 + afterSeconds) % 2 ** 32;
    return cookies.judge(bytes, 3, COOKIE_BYTES, from);
  };
  // The time has 32 bits and goes round.
  for (const seconds of [0, 200, 3600, -300]) assert.equal(judged(seconds), 'valid', `${seconds} s`);
  for (const seconds of [3601, -301, 2 ** 31]) assert.equal(judged(seconds), 'client', `${seconds} s`);
  assert.equal(judged(0, other), 'client');
  for (let i = 3; i < cookie.length; i++) {
    const changed = cookie.slice();
    changed[i] = (changed[i] as number) ^ 1;
    assert.equal(judged(0, mine, changed), 'client', `byte ${i}`);
  }
  assert.equal(new Cookies(new Uint8Array(16)).judge(cookie, 3, COOKIE_BYTES, mine), 'client');
  assert.equal(cookies.judge(cookie, 3, 8, mine), 'client');
  const lengths = Array.from({ length: 45 }, (_, i) => i).filter(isCookie);
  assert.deepEqual(lengths, [8, ...Array.from({ length: 25 }, (_, i) => 16 + i)]);
});
