import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  ManifestSchema,
  type SignedManifest,
  SignedManifestSchema,
  WorkerConfigSchema,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import {
  assembleRevision,
  buildRevision,
  CHUNK_BYTES,
  forceRevision,
  MAX_REVISION_BYTES,
  RevisionError,
  type RevisionKey,
  signManifest,
  toHex,
  verifyManifest,
} from './revision.ts';

const generate = async () =>
  (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as {
    privateKey: RevisionKey;
    publicKey: RevisionKey;
  };

const config = (prefixes: number) =>
  create(WorkerConfigSchema, {
    tokenIssuer: 'https://edge',
    tenants: [{ tenant: 'acme', prefixes: Array.from({ length: prefixes }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`) }],
  });

const INPUT = { number: 5n, base: 4n, author: 'a', reason: 'r', nowMs: 1000, lifetimeMs: 5000 };

const build = (prefixes = 3, number = 5n) =>
  buildRevision({ ...INPUT, number, base: number - 1n, config: config(prefixes) });

const rejects = (work: Promise<unknown>, message: RegExp) =>
  assert.rejects(work, (error) => error instanceof RevisionError && message.test(error.message));

test('a large revision is cut, signed, verified and put together again', async () => {
  const { privateKey, publicKey } = await generate();
  const built = await build(40_000);
  assert.ok(built.manifest.chunks.length > 1);
  assert.ok([...built.chunks.values()].every((chunk) => chunk.length <= CHUNK_BYTES));
  const signed = await signManifest(built.manifest, 'k1', privateKey);
  const manifest = await verifyManifest(signed, new Map([['k1', publicKey]]), 4n);
  const back = await assembleRevision(manifest, async (digest) => built.chunks.get(digest));
  assert.deepEqual(toBinary(WorkerConfigSchema, back), toBinary(WorkerConfigSchema, config(40_000)));
});

test('unknown keys, wrong keys, changed bytes and older numbers are refused', async () => {
  const [a, b] = [await generate(), await generate()];
  const signed = await signManifest((await build()).manifest, 'k1', a.privateKey);
  await rejects(verifyManifest(signed, new Map(), 0n), /not trusted/);
  await rejects(verifyManifest(signed, new Map([['k1', b.publicKey]]), 0n), /signature/);
  await rejects(verifyManifest(signed, new Map([['k1', a.publicKey]]), 6n), /older than 6/);
  await verifyManifest(signed, new Map([['k1', a.publicKey]]), 5n);
  const keys = new Map([['k1', a.publicKey]]);
  await fc.assert(
    fc.asyncProperty(fc.nat(signed.manifest.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const manifest = signed.manifest.slice();
      manifest[at] = (manifest[at] as number) ^ flip;
      await rejects(verifyManifest({ ...signed, manifest }, keys, 0n), /signature/);
    }),
    { numRuns: 30 },
  );
});

test('a manifest that lies about its content is refused although it is signed', async () => {
  const { privateKey, publicKey } = await generate();
  const built = await build();
  const keys = new Map([['k1', publicKey]]);
  const lie = (change: object): Promise<SignedManifest> =>
    signManifest(create(ManifestSchema, { ...built.manifest, ...change }), 'k1', privateKey);
  await rejects(verifyManifest(await lie({ size: 2n ** 40n }), keys, 0n), /more than/);
  await rejects(verifyManifest(await lie({ chunks: [] }), keys, 0n), /does not list/);
  await rejects(verifyManifest(await lie({ chunks: [new Uint8Array(5)] }), keys, 0n), /does not list/);
  for (const change of [-1n, 1n]) {
    const manifest = await verifyManifest(await lie({ size: built.manifest.size + change }), keys, 0n);
    await rejects(
      assembleRevision(manifest, async (digest) => built.chunks.get(digest)),
      /longer|shorter/,
    );
  }
});

test('content is cut into chunks of 256 KiB, named by their digests, which the manifest lists in order', async () => {
  assert.equal(CHUNK_BYTES, 262_144);
  assert.equal(MAX_REVISION_BYTES, 268_435_456);
  for (const length of [262_143, 262_144, 262_145, 524_288]) {
    // A text field's tag and length take four bytes.
    const exact = create(WorkerConfigSchema, { tokenIssuer: 'x'.repeat(length - 4) });
    const built = await buildRevision({ ...INPUT, config: exact });
    assert.equal(built.manifest.size, BigInt(length));
    const sizes = built.manifest.chunks.map((digest) => built.chunks.get(toHex(digest))?.length);
    assert.deepEqual(sizes, length <= 262_144 ? [length] : [262_144, length - 262_144]);
    for (const [name, chunk] of built.chunks) assert.equal(name, createHash('sha256').update(chunk).digest('hex'));
    assert.deepEqual(await assembleRevision(built.manifest, async (name) => built.chunks.get(name)), exact);
  }
});

test('a revision says who made it of what, why, when, and how long it holds', async () => {
  const { manifest } = await buildRevision({ ...INPUT, config: config(1) });
  assert.deepEqual(
    [manifest.number, manifest.base, manifest.author, manifest.reason, manifest.force],
    [5n, 4n, 'a', 'r', false],
  );
  assert.deepEqual([manifest.createTime?.seconds, manifest.expireTime?.seconds], [1n, 6n]);
  const forced = forceRevision(manifest, { author: 'b', reason: 's', nowMs: 2000, lifetimeMs: 1000 });
  assert.deepEqual([forced.number, forced.base, forced.author, forced.reason, forced.force], [6n, 5n, 'b', 's', true]);
  assert.deepEqual([forced.size, forced.chunks, forced.expireTime?.seconds], [manifest.size, manifest.chunks, 3n]);
});

test('the signature is over the context and the manifest, and nothing else', async () => {
  const { privateKey, publicKey } = await generate();
  const { manifest } = await build();
  const { manifest: bytes, signature } = await signManifest(manifest, 'k1', privateKey);
  const signed = Buffer.concat([Buffer.from('cloudbridge-revision-v1\0'), bytes]);
  const verify = (message: Uint8Array) =>
    crypto.subtle.verify('Ed25519', publicKey, Uint8Array.from(signature), Uint8Array.from(message));
  assert.equal(await verify(signed), true);
  assert.equal(await verify(bytes), false);
});

test('what a manifest may say at most, and each fault by its name', async () => {
  const { privateKey, publicKey } = await generate();
  const verify = async (change: object, atLeast = 0n) => {
    const manifest = create(ManifestSchema, { ...(await build()).manifest, ...change });
    return verifyManifest(await signManifest(manifest, 'k1', privateKey), new Map([['k1', publicKey]]), atLeast);
  };
  const digests = (count: number) => Array.from({ length: count }, () => new Uint8Array(32));
  assert.equal((await verify({ size: 268_435_456n, chunks: digests(1024) })).size, 268_435_456n);
  assert.equal((await verify({ size: 262_144n, chunks: digests(1) })).chunks.length, 1);
  for (const [fault, change, atLeast] of [
    ['too_large', { size: 268_435_457n, chunks: digests(1025) }, 0n],
    ['incomplete', { size: 262_145n, chunks: digests(1) }, 0n],
    ['older', {}, 6n],
  ] as const) {
    await assert.rejects(verify(change, atLeast), { name: 'RevisionError', fault });
  }
  const noConfig = Uint8Array.of(0xff);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', noConfig));
  const manifest = create(ManifestSchema, { number: 1n, size: 1n, chunks: [digest] });
  await assert.rejects(
    assembleRevision(manifest, async () => noConfig),
    { fault: 'unreadable', message: /configuration .* cannot be read/ },
  );
});

test('digests are written in hexadecimal', () => assert.equal(toHex(Uint8Array.of(0, 9, 16, 255)), '000910ff'));

test('missing and damaged chunks are named', async () => {
  const built = await build();
  const name = toHex(built.manifest.chunks[0] as Uint8Array);
  await rejects(
    assembleRevision(built.manifest, async () => undefined),
    new RegExp(`${name}.*missing`),
  );
  await rejects(
    assembleRevision(built.manifest, async () => Uint8Array.of(1)),
    new RegExp(`${name}.*damaged`),
  );
});

test('any bytes in the place of a signed manifest are refused, not thrown over', async () => {
  const { publicKey } = await generate();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      let signed: SignedManifest;
      try {
        signed = fromBinary(SignedManifestSchema, bytes);
      } catch {
        return;
      }
      await rejects(verifyManifest(signed, new Map([['', publicKey]]), 0n), /./);
    }),
  );
});
