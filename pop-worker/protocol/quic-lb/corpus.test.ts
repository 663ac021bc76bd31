import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { CidCodec } from './codec.ts';
import { nodeBlockCipher } from './testing/cipher.ts';

const KEY = new Uint8Array(Buffer.from('8f95f09245765f80256934e50c66207f', 'hex'));
const AT = 3;

/** Server ID and nonce of each configuration, by its rotation bits. */
const CODECS = [
  [3, 4, undefined],
  [3, 4, KEY],
  [8, 8, KEY],
  [10, 5, KEY],
  [9, 9, KEY],
].map(
  ([serverIdBytes, nonceBytes, key], id) =>
    new CidCodec(
      {
        ...{ id, serverIdBytes: serverIdBytes as number, nonceBytes: nonceBytes as number },
        ...{ key: key as Uint8Array | undefined, encodesLength: true },
      },
      nodeBlockCipher,
    ),
);

const read = (cid: Uint8Array): string => {
  const packet = new Uint8Array(2 * AT + cid.length).fill(0xee);
  packet.set(cid, AT);
  const out = new Uint8Array(16);
  const found = CODECS.filter((codec) => cid.length > 0 && codec.serverIdOf(packet, AT, cid.length, out));
  assert.ok(found.length <= 1, 'one configuration at most');
  assert.deepEqual(packet.subarray(AT, AT + cid.length), cid);
  return found[0] === undefined ? 'none' : Buffer.from(out.subarray(0, found[0].config.serverIdBytes)).toString('hex');
};

const cases = readCorpus<string>(new URL('testing/corpus/cids.json', import.meta.url));

test('connection IDs', () => {
  for (const { name, bytes, expect } of cases) assert.equal(read(bytes), expect, name);
});

test('any bytes are a connection ID of one configuration, or of none', () => {
  survive(cases, (bytes) => void read(bytes));
});
