import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KernelPeer } from '#protocol/netlink/wireguard/device.ts';
import { KernelTotals } from './totals.ts';

const peer = (key: number, receivedBytes: number, sentBytes: number): KernelPeer => ({
  ...{ publicKey: new Uint8Array(32).fill(key), presharedKey: undefined, endpoint: undefined, persistentKeepaliveS: 0 },
  ...{ lastHandshakeUnixUs: 0, receivedBytes, sentBytes, allowedIps: [] },
});

test('sums never go down: not when a peer goes, nor when it comes again', () => {
  const totals = new KernelTotals();
  const after = (...peers: KernelPeer[]): readonly number[] => {
    totals.update(peers);
    return [totals.total.received, totals.total.sent];
  };
  assert.deepEqual(after(peer(1, 10, 20), peer(2, 1, 2)), [11, 22]);
  assert.deepEqual(after(peer(1, 15, 20), peer(2, 1, 2)), [16, 22]);
  assert.deepEqual(after(peer(2, 1, 2)), [16, 22]);
  assert.deepEqual(after(peer(1, 4, 3), peer(2, 1, 2)), [20, 25]);
  // It went and came between two looks.
  assert.deepEqual(after(peer(1, 2, 1), peer(2, 1, 3)), [22, 27]);
  assert.deepEqual(after(), [22, 27]);
});
