import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Capture } from './capture.ts';

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** IPv4 and UDP with so many bytes in all; the first of its payload as given. */
const datagram = (bytes: number, first: number): Uint8Array => {
  const packet = new Uint8Array(bytes);
  packet.set([0x45], 0);
  packet[9] = 17;
  packet[28] = first;
  return packet;
};

test('packets are kept in order with their times: long headers whole, others cut, more than fit the buffer', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'x.pcap');
  const capture = new Capture(file);
  const count = 2000;
  for (let i = 0; i < count; i++) capture.add(i * 1e6 + 7, datagram(1500, i % 2 === 0 ? 0xc0 : 0x40));
  capture.close();
  const bytes = readFileSync(file);
  assert.deepEqual([bytes.readUInt32LE(0), bytes.readUInt32LE(20)], [0xa1b2c3d4, 101]);
  let at = FILE_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const kept = i % 2 === 0 ? 1500 : 128;
    const header = [0, 4, 8, 12].map((offset) => bytes.readUInt32LE(at + offset));
    assert.deepEqual(header, [i, 7, kept, 1500]);
    assert.equal(bytes[at + RECORD_HEADER_BYTES + 28], i % 2 === 0 ? 0xc0 : 0x40);
    at += RECORD_HEADER_BYTES + kept;
  }
  assert.equal(at, bytes.length);
});
