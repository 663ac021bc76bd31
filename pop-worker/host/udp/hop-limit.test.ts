import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPort } from '#protocol/address.ts';
import { Burst, HOP_LIMIT_SHIFT } from '#protocol/burst.ts';
import { addressOf } from './address.ts';
import { UdpSocket } from './socket.ts';
import { put, receiveDatagrams } from './testing/traffic.ts';

const DEFAULT_HOP_LIMIT = 64;

for (const address of ['127.0.0.1', '::1']) {
  test(`${address}: network control is sent with hop limit 255, and a socket that asks is told the limit`, async (t) => {
    const receiver = UdpSocket.open({ address, port: 0, hopLimit: true });
    const silent = UdpSocket.open({ address, port: 0 });
    const control = UdpSocket.open({ address, port: 0, networkControl: true });
    const ordinary = UdpSocket.open({ address, port: 0 });
    t.after(() => {
      for (const socket of [receiver, silent, control, ordinary]) socket.close();
    });
    const send = async (from: UdpSocket, to: UdpSocket, ecn: number): Promise<number | undefined> => {
      const burst = new Burst(100, 1);
      put(burst, Uint8Array.of(1), addressOf(address, addressPort(to.localAddress())), { ecn });
      from.send(burst);
      return (await receiveDatagrams(to, 1))[0]?.ecn;
    };
    assert.equal(await send(control, receiver, 0), 255 << HOP_LIMIT_SHIFT);
    assert.equal(await send(control, receiver, 2), (255 << HOP_LIMIT_SHIFT) | 2, 'beside the ECN codepoint');
    assert.equal(await send(ordinary, receiver, 1), (DEFAULT_HOP_LIMIT << HOP_LIMIT_SHIFT) | 1);
    assert.equal(await send(control, silent, 1), 1, 'who did not ask is not told');
  });
}
