import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fragments } from './fragments.ts';
import { Pool } from './pool.ts';
import { prefix } from './testing/nat.ts';

const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

test('blocks of several prefixes are numbered in one order, and found by address and port', () => {
  const texts = ['203.0.113.64/31', '198.51.100.7/32'];
  const [pool, same] = [new Pool(texts.map(prefix), 1024), new Pool(texts.toReversed().map(prefix), 1024)];
  assert.equal(pool.blocks, 3 * 63);
  for (const one of [pool, same]) {
    for (let block = 0; block < one.blocks; block++) {
      const [address, port] = [one.addressOf(block), one.portOf(block)];
      assert.equal(one.blockOf(address, port), block);
      assert.equal(one.blockOf(address, port + 1023), block);
    }
    assert.equal(one.addressOf(0), number('198.51.100.7'));
    assert.equal(one.addressOf(63), number('203.0.113.64'));
    assert.deepEqual([...one.blocksOf(prefix('203.0.113.65/32'))].length, 63);
    assert.equal(one.blockOf(number('203.0.113.64'), 1023), -1);
    assert.equal(one.blockOf(number('203.0.113.66'), 5000), -1);
    // 63 blocks of 1,024 from 1,024 on: to the last port.
    assert.equal(one.blockOf(number('203.0.113.64'), 65_535), 63 + 62);
  }
});

test('what is no pool is refused', () => {
  for (const [texts, ports, message] of [
    [['203.0.113.0/24'], 1000, /power of two/],
    [['203.0.113.0/24'], 32, /power of two/],
    [['2001:db8::/120'], 1024, /IPv4/],
    [['203.0.113.0/24', '203.0.113.64/28'], 1024, /within another/],
    [['10.0.0.0/15'], 1024, /65536/],
  ] as const) {
    assert.throws(() => new Pool(texts.map(prefix), ports), message);
  }
  assert.throws(() => [...new Pool([prefix('203.0.113.0/28')], 64).blocksOf(prefix('203.0.113.0/24'))], RangeError);
});

test('later fragments go where the first one went, for five seconds, unless another datagram took their place', () => {
  const fragments = new Fragments();
  assert.equal(fragments.find(1, 2, 3, 0), -1);
  fragments.note(1, 2, 3, 7, 99, 10);
  assert.equal(fragments.find(1, 2, 3, 15), 7);
  assert.equal(fragments.inner, 99);
  assert.equal(fragments.find(1, 2, 4, 15), -1);
  assert.equal(fragments.find(1, 2, 3, 16), -1);
  for (let id = 0; id < 5000; id++) fragments.note(5, 6, id, id, 1, 20);
  assert.equal(fragments.find(1, 2, 3, 12), -1);
});
