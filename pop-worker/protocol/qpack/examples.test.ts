import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QpackDecoder } from './decoder.ts';
import { capacityInstruction, duplicateInstruction, insertInstruction } from './encoder-stream.ts';
import { hex, toHex } from './testing/hex.ts';

const AUTHORITY = { name: ':authority', value: 'www.example.com' };
const PATH = { name: ':path', value: '/sample/path' };
const CUSTOM = { name: 'custom-key', value: 'custom-value' };
const CUSTOM_2 = { name: 'custom-key', value: 'custom-value2' };

test('the exchanges of RFC 9204 Appendix B', () => {
  const sent: string[] = [];
  const decoder = new QpackDecoder({
    tableCapacity: 220,
    blockedStreams: 1,
    send: (instruction) => void sent.push(toHex(instruction)),
  });
  const { table } = decoder;
  const decode = (stream: number, text: string) => decoder.decode(stream, hex(text), 0, hex(text).length);
  const instruct = (text: string) => decoder.receiveInstructions(hex(text), 0, hex(text).length);
  const entries = () => Array.from({ length: table.inserted - table.oldest }, (_, i) => table.get(table.oldest + i));

  // §B.1
  assert.deepEqual(decode(0, '0000 510b 2f69 6e64 6578 2e68 746d 6c'), [{ name: ':path', value: '/index.html' }]);
  assert.deepEqual(sent.splice(0), [], 'a section without dynamic references is not acknowledged');

  // §B.2, with the section first, as it may come
  assert.equal(decode(4, '0381 10 11'), 'blocked');
  instruct('3fbd01 c00f 7777 772e 6578 616d 706c 652e 636f 6d');
  assert.deepEqual(decoder.unblocked(), []);
  instruct('c10c 2f73 616d 706c 652f 7061 7468');
  assert.deepEqual(decoder.unblocked(), [4]);
  assert.deepEqual([table.size, entries()], [106, [AUTHORITY, PATH]]);
  assert.deepEqual(decode(4, '0381 10 11'), [AUTHORITY, PATH]);
  decoder.acknowledgeInserts();
  assert.deepEqual(sent.splice(0), ['84'], 'the acknowledgment of the section is one of its entries');

  // §B.3
  instruct('4a63 7573 746f 6d2d 6b65 790c 6375 7374 6f6d 2d76 616c 7565');
  decoder.acknowledgeInserts();
  assert.deepEqual([table.size, sent.splice(0)], [160, ['01']]);

  // §B.4, where the section comes before its entry and is given up
  assert.equal(decode(8, '0500 80 c1 81'), 'blocked');
  decoder.cancelStream(8);
  assert.deepEqual(sent.splice(0), ['48']);
  instruct('02');
  assert.deepEqual([table.size, decoder.unblocked()], [217, []]);
  assert.deepEqual(decode(12, '0500 80 c1 81'), [AUTHORITY, { name: ':path', value: '/' }, CUSTOM]);

  // §B.5
  instruct('810d 6375 7374 6f6d 2d76 616c 7565 32');
  assert.deepEqual([table.size, entries()], [215, [PATH, CUSTOM, AUTHORITY, CUSTOM_2]]);
  assert.throws(() => decode(16, '0583 10'), { code: 0x200 }, 'the oldest entry was evicted');
});

test('instructions are written as in RFC 9204 Appendix B, but for Huffman coding', () => {
  assert.equal(toHex(capacityInstruction(220)), '3fbd01');
  assert.equal(toHex(capacityInstruction(2)), '22');
  assert.equal(toHex(duplicateInstruction(2)), '02');
  assert.equal(toHex(insertInstruction(-1, 40, 'x', '%%%')), 'a803252525');
  assert.equal(toHex(insertInstruction(0, -1, ':authority', '%%%')), 'c0 03 252525'.replaceAll(' ', ''));
  assert.equal(toHex(insertInstruction(-1, 1, 'custom-key', '%%%')), '81 03 252525'.replaceAll(' ', ''));
  assert.equal(toHex(insertInstruction(-1, -1, '%%', '%%%')), '42 2525 03 252525'.replaceAll(' ', ''));
  assert.equal(toHex(insertInstruction(0, 1, ':authority', '')), 'c000', 'a static name goes first');
  assert.equal(
    toHex(insertInstruction(-1, -1, 'custom-key', 'custom-value')),
    '6825a849e95ba97d7f8925a849e95bb8e8b4bf',
  );
});
