import assert from 'node:assert/strict';
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

const build = (prefixes = 3, number = 5n) =>
  buildRevision({
    number,
    base: number - 1n,
    config: config(prefixes),
    author: 'a',
    reason: 'r',
    nowMs: 1000,
    lifetimeMs: 5000,
  });

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
