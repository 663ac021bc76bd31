import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { MOST_SESSIONS } from '#protocol/bfd/options.ts';
import { Burst } from '#protocol/burst.ts';
import { receiveFilter, type Wanted } from './receive-filter.ts';
import { until } from './testing/heard.ts';

/** Hosts of the loopback: IPv6 has but one. */
const FAMILIES = [
  { family: 4, here: '127.0.0.1', from: '127.0.0.2', others: ['127.0.0.3', '::1'] },
  { family: 6, here: '::1', from: '::1', others: ['::2', '1::1', '0:1::1', '::1:0:0:1', '127.0.0.1'] },
] as const;

for (const { family, here, from, others } of FAMILIES) {
  /** Whether a datagram gets through the kernel's filter. */
  const passes = async (wanted: Omit<Wanted, 'family'>, networkControl: boolean): Promise<boolean> => {
    const receiver = UdpSocket.open({ address: here, port: 0 });
    const sender = UdpSocket.open({ address: from, port: 0, networkControl });
    try {
      receiver.filter(receiveFilter({ family, ...wanted }));
      const burst = new Burst(16, 1);
      burst.buffer.fill(7);
      burst.commit(10, 0, addressOf(here, addressPort(receiver.localAddress())), 0, new Int32Array(6), 0);
      sender.send(burst);
      const heard = new Burst(65_536, 1);
      let arrived = 0;
      await until('it arrives or is dropped', () => {
        arrived += receiver.receive(heard);
        return arrived + receiver.kernelDrops > 0;
      });
      assert.equal(arrived + receiver.kernelDrops, 1);
      return arrived === 1;
    } finally {
      receiver.close();
      sender.close();
    }
  };

  test(`IPv${family}: the kernel lets through only who is wanted, from as near as is wanted`, async () => {
    const known = addressOf(from);
    const strangers = others.map((text) => addressOf(text));
    assert.equal(await passes({ singleHop: true, sources: [known] }, true), true);
    assert.equal(await passes({ singleHop: true, sources: [...strangers, known, ...strangers] }, true), true);
    assert.equal(await passes({ singleHop: true, sources: [known] }, false), false, 'from behind a router');
    assert.equal(await passes({ singleHop: false, sources: [known] }, false), true);
    assert.equal(await passes({ singleHop: false, sources: strangers }, true), false, 'a stranger');
    assert.equal(await passes({ singleHop: false, sources: [] }, true), false);
    assert.equal(await passes({ singleHop: true, sources: undefined }, true), true, 'whoever is at the other end');
    assert.equal(await passes({ singleHop: true, sources: undefined }, false), false);
  });

  test(`IPv${family}: as many sources as there may be sessions are one program`, async () => {
    const many = Array.from({ length: MOST_SESSIONS - 1 }, (_, i) =>
      addressOf(family === 4 ? `10.0.${i >> 8}.${i & 255}` : `2001:db8::${i.toString(16)}`),
    );
    assert.equal(await passes({ singleHop: true, sources: [...many, addressOf(from)] }, true), true);
    assert.equal(await passes({ singleHop: true, sources: many }, true), false);
  });
}

test('a filter is taken away, and one that is none refused', () => {
  const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
  try {
    socket.filter(new Uint8Array(0));
    socket.filter(receiveFilter({ family: 4, singleHop: false, sources: [] }));
    socket.filter(new Uint8Array(0));
    assert.throws(() => socket.filter(new Uint8Array(7)), RangeError);
    assert.throws(() => socket.filter(new Uint8Array(8 * 4097)), RangeError);
    assert.throws(() => socket.filter(new Uint8Array(8).fill(0xff)), { code: 'EINVAL' });
  } finally {
    socket.close();
  }
});
