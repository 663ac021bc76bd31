import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { NetlinkError, NetlinkFault } from '../errors.ts';
import { readFamilyId } from '../generic.ts';
import { plain } from '../testing/decode.ts';
import type { KernelDevice } from './device.ts';
import { newKernelDevice, readWireGuardDevice } from './read.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
/** Bodies of answers; the first two are a kernel's (Linux 6.1), the others by hand from linux/wireguard.h. */
const devices = corpus<unknown>('devices');
const hostile = corpus<{ readonly fault: keyof typeof NetlinkFault }>('hostile');

const read = (...bodies: readonly Uint8Array[]): KernelDevice => {
  const device = newKernelDevice();
  for (const bytes of bodies) readWireGuardDevice(device, bytes, 0, bytes.length);
  return device;
};

test('answers of a kernel', () => {
  for (const { name, bytes, expect } of devices) assert.deepEqual(plain(read(bytes)), expect, name);
});

test('the number of the family, as a kernel tells it', () => {
  const hex =
    '010200000e00020077697265677561726400000006000100200000000800030001000000080004000000000008000500080000002c00060014' +
    '0001000800010000000000080002001c000000140002000800010001000000080002001a000000';
  const bytes = Buffer.from(hex, 'hex');
  assert.equal(readFamilyId(bytes, 0, bytes.length), 32);
  assert.equal(readFamilyId(bytes, 0, 20), 0);
});

test('a peer whose prefixes do not fit goes on in the next message, and is one', () => {
  const bodies = devices.slice(2, 4).map(({ bytes }) => bytes);
  const { peers, name } = read(...bodies);
  assert.equal(name, 'wg5');
  assert.deepEqual(
    peers.map(({ publicKey, allowedIps }) => [publicKey[0], allowedIps.map(({ length }) => length)]),
    [
      [1, []],
      [2, [8, 16, 24]],
      [3, []],
    ],
  );
});

test('what is no answer is an error that says what is wrong', () => {
  for (const { name, bytes, expect } of hostile)
    assert.throws(
      () => read(bytes),
      (error) => error instanceof NetlinkError && error.code === NetlinkFault[expect.fault] && error.fault === 'remote',
      name,
    );
});

const orNetlinkError = (take: () => void): void => {
  try {
    take();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    assert.equal(error.fault, 'remote');
  }
};

test('an answer that is cut anywhere is an error, or has less in it', () => {
  const count = ({ peers }: KernelDevice): number => peers.length;
  for (const { bytes } of devices) {
    const whole = count(read(bytes));
    for (let end = 0; end < bytes.length; end++)
      orNetlinkError(() => assert.ok(count(read(bytes.subarray(0, end))) <= whole));
  }
});

test('answers made of the corpus are read, or refused, and what is read fits its family', () => {
  survive([...devices, ...hostile], (bytes) => {
    orNetlinkError(() => {
      for (const { publicKey, endpoint, allowedIps } of read(bytes, bytes).peers) {
        assert.equal(publicKey.length, 32);
        if (endpoint !== undefined) assert.ok(endpoint.address.length === 4 || endpoint.address.length === 16);
        for (const { address, length } of allowedIps) assert.ok(length <= 8 * address.length && address.length >= 4);
      }
    });
  });
});
