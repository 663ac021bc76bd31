import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '#protocol/ip/text.ts';
import { interfaceLines, lastLines, peerLines } from './answer.ts';

const KEY = new Uint8Array(32).fill(0xab);

test('an interface: what it has not is left out', () => {
  assert.equal(interfaceLines({ privateKey: undefined, listenPort: 0, fwmark: 0 }), '');
  assert.equal(
    interfaceLines({ privateKey: KEY, listenPort: 51_820, fwmark: 7 }),
    `private_key=${'ab'.repeat(32)}\nlisten_port=51820\nfwmark=7\n`,
  );
});

test('a peer: all keys in the order of wireguard-go', () => {
  const peer = {
    ...{
      publicKey: KEY,
      presharedKey: undefined,
      endpoint: '[2001:db8::1]:51820',
      lastHandshakeUnixUs: 1_790_000_000_123_456,
    },
    ...{
      sentBytes: 2 ** 40,
      receivedBytes: 3,
      persistentKeepaliveS: 25,
      allowedIps: [parsePrefix('10.0.0.0/8')!, parsePrefix('::/0')!],
    },
  };
  assert.deepEqual(peerLines(peer).split('\n'), [
    `public_key=${'ab'.repeat(32)}`,
    `preshared_key=${'00'.repeat(32)}`,
    ...['protocol_version=1', 'endpoint=[2001:db8::1]:51820', 'last_handshake_time_sec=1790000000'],
    ...[
      'last_handshake_time_nsec=123456000',
      'tx_bytes=1099511627776',
      'rx_bytes=3',
      'persistent_keepalive_interval=25',
    ],
    ...['allowed_ip=10.0.0.0/8', 'allowed_ip=::/0', ''],
  ]);
  const unknown = peerLines({ ...peer, presharedKey: KEY, endpoint: '', lastHandshakeUnixUs: 0, allowedIps: [] });
  assert.match(
    unknown,
    /preshared_key=(ab){32}\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n/,
  );
});

test('errno is what wg reads', () => {
  assert.equal(lastLines(-22), 'errno=-22\n\n');
});
