import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { CidCodec } from './codec.ts';
import { Configurations } from './configurations.ts';
import { MAX_WORKER_NUMBER, SERVER_ID_BYTES, WORKER_BYTES, workerNumberOf } from './server-id.ts';
import { nodeBlockCipher } from './testing/cipher.ts';

const KEY = new Uint8Array(Buffer.from('8f95f09245765f80256934e50c66207f', 'hex'));
/** Of §5.4.2.4. */
const EXAMPLE_KEY = new Uint8Array(Buffer.from('fdf726a9893ec05c0632d3956680baf0', 'hex'));
const AT = 3;

/** Server ID, nonce, key and whether the first octet tells the length, by rotation bits. */
const CODECS = (
  [
    [3, 4, undefined, true],
    [3, 4, KEY, true],
    [8, 8, KEY, true],
    [10, 5, KEY, true],
    [9, 9, KEY, true],
    [3, 4, EXAMPLE_KEY, false],
  ] as const
).map(
  ([serverIdBytes, nonceBytes, key, encodesLength], id) =>
    new CidCodec({ id, serverIdBytes, nonceBytes, key, encodesLength }, nodeBlockCipher),
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

const WORKERS = new Configurations(
  [{ id: 0, serverIdBytes: SERVER_ID_BYTES, nonceBytes: 8, key: KEY, encodesLength: true }],
  nodeBlockCipher,
);

/** What a worker makes of one: whose it is, a server ID that is none of ours, or nothing. */
const ownerOf = (cid: Uint8Array): { worker: number; thread: number } | 'stranger' | 'none' => {
  const serverId = new Uint8Array(16);
  if (!WORKERS.serverIdOf(cid, 0, cid.length, serverId)) return 'none';
  const worker = workerNumberOf(serverId);
  return worker < 0 ? 'stranger' : { worker, thread: serverId[WORKER_BYTES] as number };
};
const workerCases = readCorpus<unknown>(new URL('testing/corpus/worker-cids.json', import.meta.url));

test('connection IDs as workers make them', () => {
  for (const { name, bytes, expect } of workerCases) assert.deepEqual(ownerOf(bytes), expect, name);
});

test('any bytes name a worker that can be, a stranger or nobody, whatever lies around them', () => {
  survive(workerCases, (bytes) => {
    const found = ownerOf(bytes);
    if (typeof found === 'object') assert.ok(found.worker <= MAX_WORKER_NUMBER && found.thread <= 0xff);
    if (found !== 'none') assert.ok(bytes.length >= WORKERS.active.cidBytes);
  });
});
