import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PeerFlag } from '#protocol/netlink/wireguard/device.ts';
import { peerLines } from '#protocol/wireguard/uapi/answer.ts';
import { type SetRequest, UapiReader } from '#protocol/wireguard/uapi/request.ts';
import { changeOf, keyOf, stateOf } from './translate.ts';

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const hex = (fill: number): string => Buffer.from(key(fill)).toString('hex');

const requestOf = (lines: readonly string[]): SetRequest => {
  const reader = new UapiReader();
  for (const line of ['set=1', ...lines]) reader.push(Buffer.from(line), 0, line.length);
  return reader.push(new Uint8Array(0), 0, 0) as SetRequest;
};

test('an operation of the socket, as the kernel is told of it', () => {
  const change = changeOf(
    'wg0',
    requestOf([
      ...[`private_key=${hex(9)}`, 'listen_port=51820', 'fwmark=7', 'replace_peers=true', `public_key=${hex(1)}`],
      ...[`preshared_key=${hex(0)}`, 'endpoint=[fe80::1%lo]:7', 'persistent_keepalive_interval=25'],
      ...['replace_allowed_ips=true', 'allowed_ip=10.9.0.0/24', 'allowed_ip=-fd09::/64'],
      ...[`public_key=${hex(2)}`, 'update_only=true', 'endpoint=192.0.2.1:8', `public_key=${hex(3)}`, 'remove=true'],
    ]),
  );
  const scope = Number(readFileSync('/sys/class/net/lo/ifindex', 'utf8'));
  const [first, second, third] = change.peers;
  assert.deepEqual(
    { ...change, peers: [] },
    {
      ...{ name: 'wg0', flags: 1, privateKey: key(9), listenPort: 51_820, fwmark: 7, peers: [] },
    },
  );
  assert.deepEqual(first, {
    ...{ publicKey: key(1), flags: PeerFlag.replaceAllowedIps, presharedKey: key(0), persistentKeepaliveS: 25 },
    endpoint: { address: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(13), 1), port: 7, scope },
    allowedIps: [
      { address: Uint8Array.of(10, 9, 0, 0), length: 24, isRemoved: false },
      { address: Uint8Array.of(0xfd, 9, ...new Uint8Array(14)), length: 64, isRemoved: true },
    ],
  });
  assert.equal(second?.flags, PeerFlag.updateOnly);
  assert.deepEqual(second?.endpoint, { address: Uint8Array.of(192, 0, 2, 1), port: 8, scope: 0 });
  assert.deepEqual(third, { publicKey: key(3), flags: PeerFlag.remove, allowedIps: [] });
});

test('an endpoint of an interface that there is not is refused', () => {
  const request = requestOf([`public_key=${hex(1)}`, 'endpoint=[fe80::1%nosuch]:7']);
  assert.throws(() => changeOf('wg0', request), { name: 'UapiError', errno: -22 });
});

test('what the kernel knows of a peer, as the socket tells it', () => {
  const state = stateOf({
    ...{
      publicKey: key(1),
      presharedKey: key(0),
      persistentKeepaliveS: 25,
      lastHandshakeUnixUs: 1_790_000_000_250_000,
    },
    endpoint: { address: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(13), 1), port: 7, scope: 2 },
    ...{ receivedBytes: 3, sentBytes: 4, allowedIps: [{ address: Uint8Array.of(10, 9, 0, 0), length: 24 }] },
  });
  assert.equal(
    peerLines(state),
    [
      ...[`public_key=${hex(1)}`, `preshared_key=${hex(0)}`, 'protocol_version=1', 'endpoint=[fe80::1%2]:7'],
      ...['last_handshake_time_sec=1790000000', 'last_handshake_time_nsec=250000000', 'tx_bytes=4', 'rx_bytes=3'],
      ...['persistent_keepalive_interval=25', 'allowed_ip=10.9.0.0/24', ''],
    ].join('\n'),
  );
  assert.equal(keyOf(key(0)), undefined);
  assert.equal(keyOf(undefined), undefined);
  assert.deepEqual(keyOf(key(4)), key(4));
});
