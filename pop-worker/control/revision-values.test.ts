import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { buildRevision, type RevisionKey, signManifest } from '#model/revision.ts';
import { ManifestSchema, SignedManifestSchema, WorkerConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { surviveAsync } from '#scripts/corpus/survive.ts';
import { Contact } from './contact.ts';
import { describeControl } from './describe.ts';
import { DesiredState } from './desired-state.ts';
import { type Refusal, Revisions } from './revisions.ts';
import { saveStateFile } from './state-file.ts';

const corpus = (name: string) => readCorpus<string>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cloudbridge-revision-values-'));
after(() => rmSync(folder, { recursive: true }));
const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as {
  privateKey: RevisionKey;
  publicKey: RevisionKey;
};
const sha256 = async (bytes: Uint8Array) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));

let count = 0;
const open = async (file = join(folder, `r${count++}`)) => {
  const errors: unknown[] = [];
  const state = new DesiredState();
  const onError = (error: unknown): void => void errors.push(error);
  const revisions = new Revisions({
    state,
    pop: 'moscow',
    worker: 'm1',
    keys: new Map([['k', pair.publicKey]]),
    file,
    onError,
  });
  return { state, revisions, errors, file };
};

/** A worker that runs on revision 4. */
const running = async () => {
  const worker = await open();
  const config = create(WorkerConfigSchema, { jwks: '{"keys":[]}', tokenIssuer: 'good' });
  const built = await buildRevision({ number: 4n, base: 3n, config, author: '', reason: '', nowMs: 0, lifetimeMs: 1 });
  const bytes = toBinary(SignedManifestSchema, await signManifest(built.manifest, 'k', pair.privateKey));
  await worker.revisions.take(bytes, async (digest) => built.chunks.get(digest));
  assert.equal(worker.revisions.applied?.number, 4n);
  return worker;
};

/** Why it is not taken; 'taken' when it is. Whatever it is, the worker can still say how it is. */
const take = async (worker: Awaited<ReturnType<typeof running>>, bytes: Uint8Array, chunk?: Uint8Array) => {
  const { revisions, state, errors } = worker;
  const before = new Map(revisions.refusals);
  const told = errors.length;
  await revisions.take(bytes, async () => chunk);
  const reasons = [...revisions.refusals]
    .filter(([reason, n]) => n > (before.get(reason) ?? 0))
    .map(([reason]) => reason);
  const contact = new Contact(() => undefined);
  const membership = { asOfMs: undefined, unreadable: 0, kept: revisions.kept };
  const status = { dropped: 0, whereabouts: { siteReports: 0 } };
  describeControl({ contact, membership, revisions, status, state, peers: undefined });
  if (reasons.length === 0) return 'taken';
  assert.equal(reasons.length, 1);
  assert.equal(errors.length, told + 1);
  assert.ok((revisions.refused ?? '').length > 10);
  assert.equal(state.issuer, 'good', 'it goes on with what it has');
  return reasons[0] as Refusal;
};

/** As a control plane that has the key but went wrong would have signed it. */
const signed = async (manifest: Uint8Array): Promise<Uint8Array> => {
  const context = new TextEncoder().encode('cloudbridge-revision-v1\0');
  const message = Uint8Array.from([...context, ...manifest]);
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message));
  return toBinary(SignedManifestSchema, create(SignedManifestSchema, { manifest, keyId: 'k', signature }));
};

test('what is published and is no signed manifest of ours', async () => {
  const worker = await running();
  for (const { name, bytes, expect } of corpus('signed')) assert.equal(await take(worker, bytes), expect, name);
  await surviveAsync(corpus('signed'), async (bytes) => assert.notEqual(await take(worker, bytes), 'taken'), {
    mutants: 500,
  });
});

test('manifests that are signed and make no sense', async () => {
  for (const { name, bytes, expect } of corpus('manifests')) {
    assert.equal(await take(await running(), await signed(bytes)), expect, name);
  }
  const worker = await running();
  await surviveAsync(corpus('manifests'), async (bytes) => void (await take(worker, await signed(bytes))), {
    mutants: 300,
  });
});

const publish = async (content: Uint8Array, number: bigint) =>
  signed(
    toBinary(
      ManifestSchema,
      create(ManifestSchema, {
        number,
        base: number - 1n,
        chunks: [await sha256(content)],
        size: BigInt(content.length),
      }),
    ),
  );

test('contents that are signed and make no sense', async () => {
  for (const { name, bytes, expect } of corpus('configurations')) {
    assert.equal(await take(await running(), await publish(bytes, 5n), bytes), expect, name);
  }
  await surviveAsync(
    corpus('configurations'),
    async (bytes) => {
      const worker = await running();
      const found = await take(worker, await publish(bytes, 5n), bytes);
      assert.ok(found === 'taken' || found === 'unreadable' || found === 'policy', found);
    },
    { mutants: 150 },
  );
});

test('chunks that are not what the manifest says', async () => {
  const content = (corpus('configurations')[0] as { bytes: Uint8Array }).bytes;
  const worker = await running();
  const manifest = await publish(content, 5n);
  for (const chunk of [
    undefined,
    new Uint8Array(0),
    content.subarray(1),
    new Uint8Array(2_000_000),
    Uint8Array.from([...content, 0]),
  ]) {
    assert.equal(await take(worker, manifest, chunk), 'incomplete');
  }
  assert.equal(await take(worker, manifest, content), 'taken');
});

test('a revision that runs out when no clock can say is taken, and the worker can still say how it is', async () => {
  const content = (corpus('configurations')[0] as { bytes: Uint8Array }).bytes;
  for (const seconds of [2n ** 63n - 1n, -(2n ** 63n)]) {
    const manifest = create(ManifestSchema, {
      number: 5n,
      chunks: [await sha256(content)],
      size: BigInt(content.length),
    });
    manifest.expireTime = create(TimestampSchema, { seconds });
    const worker = await running();
    assert.equal(await take(worker, await signed(toBinary(ManifestSchema, manifest)), content), 'taken');
    assert.ok(Number.isFinite(new Date(worker.revisions.applied?.expiresMs ?? Number.NaN).getTime()));
  }
});

test('a file on the disk that holds nonsense is left, and told', async () => {
  for (const name of ['signed', 'manifests', 'configurations']) {
    for (const { bytes } of corpus(name)) {
      const { revisions, errors, file, state } = await open();
      await saveStateFile(file, bytes);
      assert.equal(await revisions.load(), false);
      assert.equal(errors.length, 1);
      assert.equal(state.issuer, '');
    }
  }
});
