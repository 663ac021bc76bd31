import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NetlinkError } from '../errors.ts';
import { writeGetFamily } from '../generic.ts';
import { MessageWriter } from '../writer.ts';
import { DeviceFlag, type KernelPeerChange, PeerFlag } from './device.ts';
import { newKernelDevice, readWireGuardDevice } from './read.ts';
import { messagesOf } from './split.ts';
import { writeGetDevice, writeSetDevice } from './write.ts';

const hexOf = (write: (writer: MessageWriter) => void): string => {
  const writer = new MessageWriter(4);
  // What was there before must not show.
  writer.bytes = new Uint8Array(4).fill(0xee);
  write(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');
};

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const keyHex = (fill: number): string => Buffer.from(key(fill)).toString('hex');

/** An attribute around others. */
const nested = (type: string, inner: string): string => {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(4 + inner.length / 2);
  return length.toString('hex') + type + inner;
};

// By hand from linux/genetlink.h and linux/wireguard.h.
test('what is asked, as the headers of the kernel have it', () => {
  assert.equal(
    hexOf((writer) => writeGetFamily(writer, 'wireguard')),
    `030100000e000200${Buffer.from('wireguard\0').toString('hex')}0000`,
  );
  assert.equal(
    hexOf((writer) => writeGetDevice(writer, 'wg0')),
    '000100000800020077673000',
  );
});

test('a change of all there is, as the headers of the kernel have it', () => {
  const written = hexOf((writer) =>
    writeSetDevice(writer, {
      ...{ name: 'wg0', flags: DeviceFlag.replacePeers, privateKey: key(0x40), listenPort: 51_820, fwmark: 0x51820 },
      peers: [
        {
          ...{ publicKey: key(1), flags: PeerFlag.replaceAllowedIps | PeerFlag.updateOnly, presharedKey: key(0x61) },
          endpoint: { address: Uint8Array.of(192, 0, 2, 1), port: 51_821, scope: 0 },
          persistentKeepaliveS: 25,
          allowedIps: [
            { address: Uint8Array.of(10, 9, 0, 1), length: 32, isRemoved: false },
            { address: Uint8Array.of(0xfd, 9, ...new Uint8Array(13), 1), length: 128, isRemoved: true },
          ],
        },
        {
          ...{ publicKey: key(2), flags: PeerFlag.remove, allowedIps: [] },
          endpoint: { address: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(13), 1), port: 7, scope: 3 },
        },
      ],
    }),
  );
  const ipv4 = '0600010002000000080002000a0900010500030020000000';
  const ipv6 = `060001000a00000014000200fd09${'00'.repeat(13)}0105000300800000000800040001000000`;
  const first = [
    ...[`24000100${keyHex(1)}`, '0800030006000000', `24000200${keyHex(0x61)}`],
    ...[`140004000200ca6dc0000201${'00'.repeat(8)}`, '0600050019000000'],
    nested('0980', nested('0080', ipv4) + nested('0180', ipv6)),
  ];
  const second = [
    ...[`24000100${keyHex(2)}`, '0800030001000000'],
    `200004000a00000700000000fe80${'00'.repeat(13)}0103000000`,
  ];
  const expected = [
    ...['01010000', '0800020077673000', '0800050001000000', `24000300${keyHex(0x40)}`],
    ...['060006006cca0000', '0800070020180500'],
    nested('0880', nested('0080', first.join('')) + nested('0180', second.join(''))),
  ];
  assert.equal(written, expected.join(''));
});

test('nothing to change is a name alone', () => {
  assert.equal(
    hexOf((writer) => writeSetDevice(writer, { name: 'wg0', flags: 0, peers: [] })),
    '010100000800020077673000',
  );
});

const peerOf = (n: number, prefixes: number, flags = 0): KernelPeerChange => ({
  ...{ publicKey: Uint8Array.from(key(0), (_, i) => (i < 4 ? (n >>> (8 * i)) & 0xff : 9)), flags },
  presharedKey: key(5),
  persistentKeepaliveS: 1,
  allowedIps: Array.from({ length: prefixes }, (_, i) => ({
    ...{ address: Uint8Array.of(10, i >> 16, i >> 8, i), length: 32, isRemoved: true },
  })),
});

const idOf = ({ publicKey }: { readonly publicKey: Uint8Array }): string => Buffer.from(publicKey).toString('hex');

test('however much is to change, each message fits, what concerns the interface comes once, and nothing is lost', () => {
  const counts = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 1300 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(counts, fc.integer({ min: 0, max: 400 }), (sizes, small) => {
      const peers = [...sizes, ...Array.from({ length: small }, () => 1)].map((size, n) => peerOf(n, size));
      const whole = { name: 'wg0', flags: DeviceFlag.replacePeers, privateKey: key(1), listenPort: 1, peers };
      const messages = [...messagesOf(whole)];
      const [first, ...others] = messages;
      assert.deepEqual({ ...first, peers: [] }, { ...whole, peers: [] });
      for (const other of others) assert.deepEqual({ ...other, peers: [] }, { name: 'wg0', flags: 0, peers: [] });
      const found = new Map<string, number>();
      for (const message of messages) {
        const writer = new MessageWriter();
        writeSetDevice(writer, message);
        const device = newKernelDevice();
        readWireGuardDevice(device, writer.bytes, 0, writer.length);
        for (const peer of device.peers) found.set(idOf(peer), (found.get(idOf(peer)) ?? 0) + peer.allowedIps.length);
      }
      assert.deepEqual(
        [...found.entries()],
        peers.map((peer) => [idOf(peer), peer.allowedIps.length]),
      );
    }),
    { numRuns: 25 },
  );
});

test('further parts of a peer say nothing but its prefixes, and make none that was only to be changed', () => {
  const flags = PeerFlag.replaceAllowedIps | PeerFlag.updateOnly;
  const [first, second, third] = [...messagesOf({ name: 'wg0', flags: 0, peers: [peerOf(1, 1200, flags)] })];
  assert.equal(first?.peers[0]?.flags, flags);
  assert.deepEqual(first?.peers[0]?.presharedKey, key(5));
  for (const part of [second, third]) {
    assert.ok(part?.peers[0] !== undefined);
    const { publicKey, flags: of, allowedIps, ...rest } = part.peers[0];
    assert.deepEqual([idOf({ publicKey }), of, rest], [idOf(peerOf(1, 0)), PeerFlag.updateOnly, {}]);
    assert.ok(allowedIps.length > 0);
  }
});

test('what does not fit one attribute is a fault of ours, told before anything is sent', () => {
  const writer = new MessageWriter();
  assert.throws(
    () => writeSetDevice(writer, { name: 'wg0', flags: 0, peers: [peerOf(1, 2000)] }),
    (error) => error instanceof NetlinkError && error.fault === 'local',
  );
});
