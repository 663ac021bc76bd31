import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { buildRevision, type RevisionKey, signManifest } from '#model/revision.ts';
import { SignedManifestSchema, WorkerConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';

import { eventually } from '#services/config/testing/client.ts';
import { DesiredState } from './desired-state.ts';
import { watchRevisionEnd } from './revision-end.ts';
import { Revisions } from './revisions.ts';

let folder: string;
let pair: { privateKey: RevisionKey; publicKey: RevisionKey };
let count = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-revisions-'));
  pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as typeof pair;
});
after(() => rm(folder, { recursive: true }));

const publish = async (number: bigint, tenants: readonly string[], force = false, lifetimeMs = 60_000) => {
  const config = create(WorkerConfigSchema, {
    tenants: tenants.map((tenant) => ({ tenant, prefixes: ['10.0.0.0/24'] })),
    jwks: `{"keys":[${number}]}`,
    tokenIssuer: 'iss',
  });
  const built = await buildRevision({
    number,
    base: number - 1n,
    config,
    author: 'a',
    reason: 'r',
    nowMs: Date.now(),
    lifetimeMs,
  });
  built.manifest.force = force;
  const bytes = toBinary(SignedManifestSchema, await signManifest(built.manifest, 'k', pair.privateKey));
  return { bytes, read: async (digest: string) => built.chunks.get(digest) };
};

const open = (file = join(folder, `r${count++}`), shareCut?: () => number) => {
  const state = new DesiredState();
  const errors: unknown[] = [];
  const keys = new Map([['k', pair.publicKey]]);
  const onError = (error: unknown): void => void errors.push(error);
  return {
    file,
    state,
    errors,
    revisions: new Revisions({
      state,
      pop: 'moscow',
      worker: 'm1',
      keys,
      file,
      onError,
      lookEveryMs: 10,
      ...(shareCut && { shareCut }),
    }),
  };
};

test('a revision is taken, kept, and there after a start without control plane', async () => {
  const { file, state, revisions } = open();
  const { bytes, read } = await publish(3n, ['acme']);
  await revisions.take(bytes, read);
  const { expiresMs = 0 } = revisions.applied ?? {};
  assert.ok(Math.abs(expiresMs - Date.now() - 60_000) < 30_000);
  assert.deepEqual(revisions.applied, { number: 3n, fromDisk: false, expiresMs });
  assert.deepEqual([...state.tenants.keys(), state.jwks], ['acme', '{"keys":[3]}']);
  const again = open(file);
  assert.equal(await again.revisions.load(), true);
  assert.deepEqual(again.revisions.applied, { number: 3n, fromDisk: true, expiresMs });
  assert.deepEqual([...again.state.tenants.keys()], ['acme']);
  await again.revisions.take(bytes, async () => undefined);
  assert.equal(again.revisions.applied?.fromDisk, false, 'confirmed without reading it again');
});

test('an older one, one with a missing chunk and one of a strange key are refused, also after a restart', async () => {
  const { file, revisions, errors } = open();
  const [two, three] = [await publish(2n, ['acme']), await publish(3n, ['acme'])];
  await revisions.take(three.bytes, three.read);
  await revisions.take(two.bytes, two.read);
  assert.match(revisions.refused ?? '', /older than 3/);
  const restarted = open(file);
  await restarted.revisions.load();
  await restarted.revisions.take(two.bytes, two.read);
  assert.match(restarted.revisions.refused ?? '', /older than 3/);
  const four = await publish(4n, ['acme']);
  await revisions.take(four.bytes, async () => undefined);
  assert.match(revisions.refused ?? '', /missing/);
  await revisions.take(four.bytes, four.read);
  assert.deepEqual([revisions.applied?.number, revisions.refused, errors.length], [4n, undefined, 2]);
  assert.deepEqual(Object.fromEntries(revisions.refusals), { older: 1, incomplete: 1 });
});

test('a damaged file makes place for the revision before', async () => {
  const { file, revisions } = open();
  for (const number of [1n, 2n]) {
    const { bytes, read } = await publish(number, [`t${number}`]);
    await revisions.take(bytes, read);
  }
  const content = await readFile(file);
  content[content.length - 1] = (content[content.length - 1] as number) ^ 1;
  await writeFile(file, content);
  const restarted = open(file);
  assert.equal(await restarted.revisions.load(), true);
  assert.deepEqual([restarted.revisions.applied?.number, [...restarted.state.tenants.keys()]], [1n, ['t1']]);
});

test('a revision that runs out is told once, with what to do, and goes on; so is one that ran out on the disk', async () => {
  const { file, state, revisions, errors } = open();
  const said = (of: readonly unknown[]): string[] => of.map((error) => (error as Error).message);
  const long = await publish(1n, ['acme']);
  await revisions.take(long.bytes, long.read);
  const short = await publish(2n, ['acme'], false, 1000);
  await revisions.take(short.bytes, short.read);
  const { expiresMs = 0 } = revisions.applied ?? {};
  await eventually(async () => (errors.length > 0 ? true : undefined), 'it is told');
  const late = new Date(expiresMs).toISOString();
  const sentence = new RegExp(
    `^revision 2 ran out at ${late} and it is \\S+Z by this worker's clock: see why the control plane .*, or set the clock; the worker goes on with it$`,
  );
  assert.match(said(errors)[0]!, sentence);
  const end = watchRevisionEnd(
    () => revisions.applied,
    (error) => errors.push(error),
  );
  end.look();
  end.look();
  end.stop();
  assert.equal(errors.length, 2, 'once by each that looks');
  assert.ok(Date.now() >= expiresMs);
  assert.deepEqual([...state.tenants.keys()], ['acme']);
  const again = open(file);
  await again.revisions.load();
  assert.match(said(again.errors)[0] ?? '', sentence, 'at once');
  const next = await publish(3n, ['acme']);
  await again.revisions.take(next.bytes, next.read);
  const over = await publish(4n, ['acme'], false, -5000);
  await again.revisions.take(over.bytes, over.read);
  assert.deepEqual(
    said(again.errors).map((text) => text.slice(0, 10)),
    ['revision 2', 'revision 4'],
  );
});

test('it is on disk before anybody relies on it', async () => {
  const { file, state, revisions } = open();
  const { bytes, read } = await publish(1n, ['a']);
  const seen: boolean[] = [];
  state.listen({ onKeys: () => seen.push(existsSync(file)) });
  await revisions.take(bytes, read);
  assert.deepEqual(seen, [true]);
});

test('a disk that takes nothing does not keep the edge from following, and is no refusal', async () => {
  const noFolder = join(folder, 'no-folder');
  await writeFile(noFolder, '');
  const { state, revisions, errors } = open(join(noFolder, 'revision'));
  const { bytes, read } = await publish(1n, ['a']);
  await revisions.take(bytes, read);
  assert.deepEqual([revisions.applied?.number, [...state.tenants.keys()]], [1n, ['a']]);
  assert.equal(revisions.refused, undefined);
  assert.match(
    errors.map(String).join(),
    /^Error: revision 1 is in force but not on disk: .*no-folder\/revision cannot be written, what should be its folder is none/,
  );
});

test('what would cut too many sessions is refused unless it is forced', async () => {
  let share = 0.05;
  const { state, revisions } = open(undefined, () => share);
  const first = await publish(1n, ['a']);
  await revisions.take(first.bytes, first.read);
  assert.equal(revisions.applied?.number, 1n, 'the limit itself is allowed');
  share = 0.3;
  const second = await publish(2n, ['b']);
  await revisions.take(second.bytes, second.read);
  assert.match(revisions.refused ?? '', /would cut 30 %/);
  assert.deepEqual([...state.tenants.keys()], ['a']);
  const forced = await publish(3n, ['b'], true);
  await revisions.take(forced.bytes, forced.read);
  assert.deepEqual([...state.tenants.keys()], ['b']);
});

test('whatever bytes are published, the worker goes on with what it has', async () => {
  const { revisions } = open();
  const good = await publish(1n, ['a']);
  await revisions.take(good.bytes, good.read);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(good.bytes.length * 8 - 1)),
      async (hostile) => {
        const bytes = typeof hostile === 'number' ? good.bytes.slice() : hostile;
        if (typeof hostile === 'number') bytes[hostile >> 3] = (bytes[hostile >> 3] as number) ^ (1 << (hostile & 7));
        await revisions.take(bytes, good.read);
        assert.equal(revisions.applied?.number, 1n);
      },
    ),
  );
});
