import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { Bucket, configKey, SYSTEM } from '#model/names.ts';
import { ensureStreams } from './buckets.ts';
import { RateLimit } from './rate-limit.ts';
import { SealError, Sealer } from './seal.ts';
import {
  ensureSigningKeys,
  type KeyRing,
  POP_KEYS,
  popJwks,
  readKeySet,
  readSigningKeys,
  rotateSigningKeys,
} from './signing-keys.ts';
import { Store } from './store.ts';
import { startNatsServer } from './testing/nats-server.ts';

const server = await startNatsServer();
const nats = await connect({ servers: server.url });
const other = await connect({ servers: server.url });
const sealer = await Sealer.create(randomBytes(32));
let store: Store;
let copy: Store;

before(async () => {
  await ensureStreams(nats, { replicas: 1 });
  store = await Store.open(nats, Bucket.config);
  copy = await Store.open(other, Bucket.config);
});
after(async () => {
  await nats.close();
  await other.close();
  await server.close();
});

test('what is sealed opens in its own place only, and nowhere after a change of any byte', async () => {
  const stranger = await Sealer.create(randomBytes(32));
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (value, at, flip) => {
        const sealed = await sealer.seal('bucket.key', value);
        assert.deepEqual(await sealer.open('bucket.key', sealed), new Uint8Array(value));
        await assert.rejects(sealer.open('bucket.other', sealed), SealError);
        await assert.rejects(stranger.open('bucket.key', sealed), SealError);
        const index = at % sealed.length;
        sealed[index] = (sealed[index] as number) ^ flip;
        await assert.rejects(sealer.open('bucket.key', sealed), SealError);
        await assert.rejects(sealer.open('bucket.key', sealed.subarray(0, index)), SealError);
      },
    ),
    { numRuns: 40 },
  );
});

test('an installation key of another length is refused', async () => {
  await assert.rejects(Sealer.create(randomBytes(31)), RangeError);
});

test('many who make the keys at once get the same ones, and none lies readable in the store', async () => {
  await Promise.all([store, copy, store, copy].map((each) => ensureSigningKeys(each, POP_KEYS, sealer)));
  const { keys } = await popJwks(copy);
  assert.equal(keys.length, 1);
  assert.deepEqual(Object.keys(keys[0] ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const [signing] = await readSigningKeys(store, POP_KEYS, sealer);
  const { d } = signing?.privateJwk ?? {};
  const record = new TextDecoder().decode((await store.last(POP_KEYS.key)).value);
  assert.ok(typeof d === 'string' && !record.includes(d) && !record.includes('"d"'));
  await assert.rejects(readSigningKeys(store, POP_KEYS, await Sealer.create(randomBytes(32))), SealError);
});

test('a rotation publishes before it signs and keeps the old key while its tokens live', async () => {
  const ring: KeyRing = { key: configKey(SYSTEM, 'key', 'test'), algorithms: ['ES256'], maxTokenSeconds: 1000 };
  const start = 1_000_000;
  await ensureSigningKeys(store, ring, sealer);
  const kids = async (now: number) => (await readKeySet(store, ring, now)).jwks.keys.map(({ kid }) => kid);
  const signs = async (now: number) =>
    (await readSigningKeys(copy, ring, sealer, now)).filter((key) => key.signs).map(({ kid }) => kid);
  const [first] = await kids(start);
  const from = await rotateSigningKeys(store, ring, sealer, 600, start);
  assert.equal(from, start + 600);
  assert.equal(await rotateSigningKeys(copy, ring, sealer, 600, start + 1), from, 'one rotation at a time');
  const [, second] = await kids(start + 599);
  assert.deepEqual(await signs(start + 599), [first]);
  assert.deepEqual(await signs(from), [second]);
  assert.deepEqual(await kids(from + 1000), [second, first], 'its last token may still be valid');
  assert.deepEqual(await kids(from + 1060), [second]);
  await rotateSigningKeys(store, ring, sealer, 600, from + 1060);
  assert.equal((await readSigningKeys(store, ring, sealer, from + 1060)).length, 2, 'the retired one is gone');
});

test('a token of the signing key is verified by the published set', async () => {
  const [signing] = await readSigningKeys(store, POP_KEYS, sealer);
  assert.ok(signing);
  const token = await new SignJWT({}).setProtectedHeader({ alg: signing.alg, kid: signing.kid }).sign(signing.key);
  const keys = createLocalJWKSet({ keys: [...(await popJwks(copy)).keys] });
  assert.equal((await jwtVerify(token, keys)).protectedHeader.kid, signing.kid);
});

test('copies of a service count together, and forget after the window', async () => {
  let now = 5000;
  const options = { name: 'test', limit: 5, windowSeconds: 60 };
  const limits = [store, copy].map((each) => new RateLimit(each, options, () => now));
  const all = await Promise.all(Array.from({ length: 12 }, (_, i) => limits[i % 2]?.take('olga')));
  assert.equal(all.filter((taken) => taken?.allowed).length, 5);
  assert.deepEqual(await limits[0]?.take('olga'), { allowed: false, retryAfterSeconds: 60 });
  assert.deepEqual(await limits[0]?.take('boris'), { allowed: true });
  now += 61;
  assert.deepEqual(await limits[1]?.take('olga'), { allowed: true });
  for (let i = 0; i < 4; i++) await limits[1]?.take('olga');
  await limits[0]?.reset('olga');
  assert.deepEqual(await limits[1]?.take('olga'), { allowed: true });
});
