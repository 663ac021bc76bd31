import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create as make, toBinary } from '@bufbuild/protobuf';
import { FLEET_MANIFEST } from '#model/names.ts';
import { assembleRevision } from '#model/revision.ts';
import { GuardSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { MeshMember } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { GuardKey } from './guard.ts';
import { manifestIn } from './manifest.ts';
import { Publisher } from './publisher.ts';
import { generateRevisionKey, readRevisionKey } from './revision-key.ts';
import { eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;
let send: Copy['send'];
let publisher: Publisher;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  ({ send } = copy);
  for (const id of ['moscow', 'oslo']) await send('POST', '/v1/pops', { id });
  publisher = new Publisher(copy.nats, copy.app.stores, {
    signingKey: await readRevisionKey(JSON.stringify(await generateRevisionKey())),
    tokenIssuer: 'https://edge.test',
    readJwks: async () => '{"keys":[]}',
    debounceMs: 20,
    report: (error) => installation.reports.push(error),
  });
});
after(async () => {
  await publisher?.close();
  await installation?.close();
});

/** Of the newest revision; undefined: it says nothing of a mesh. */
const published = async (): Promise<readonly MeshMember[] | undefined> => {
  const { desired, chunks } = copy.app.stores;
  const manifest = manifestIn(desired, await desired.last(FLEET_MANIFEST));
  if (manifest === undefined) return undefined;
  return (await assembleRevision(manifest, async (digest) => (await chunks.get(digest))?.value)).mesh?.members;
};

const names = async (): Promise<string> =>
  ((await published()) ?? []).map(({ number, pop, worker }) => `${number} ${pop}/${worker}`).join(', ');

const becomes = (text: string) => eventually(async () => ((await names()) === text ? true : undefined), text);

const create = async (pop: string, body: object): Promise<number> => {
  const { status, json } = await send('POST', `/v1/pops/${pop}/workers`, { ...body });
  assert.equal(status, 201, JSON.stringify(json));
  return json.member;
};

test('each worker gets a number of its own, also when many are made at once; none is given again', async () => {
  const pairs = ['moscow', 'oslo'].flatMap((pop) => ['a', 'b', 'c'].map((id) => [pop, id] as const));
  const numbers = await Promise.all(pairs.map(([pop, id]) => create(pop, { id })));
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6],
  );
  for (const [pop, id] of pairs) await send('DELETE', `/v1/pops/${pop}/workers/${id}`);
  assert.equal(await create('moscow', { id: 'a' }), 7);
  // Without the record that says so, the workers say what they have.
  await copy.app.stores.config.commit([{ key: GuardKey.members, value: Uint8Array.of(0x0a, 0xff, 1) }]);
  assert.equal(await create('moscow', { id: 'b' }), 8);
  const given = await send('POST', '/v1/pops/moscow/workers', { id: 'd', member: 3 });
  assert.equal(given.json.member, 9, 'nobody chooses it');
});

test('who has an address is in the mesh, as it is now; a damaged record takes nobody out of it', async () => {
  assert.equal(await names(), '');
  const worker = '/v1/pops/moscow/workers';
  const pin = 'ab'.repeat(32);
  const changed = await send('PATCH', `${worker}/a`, { meshAddress: '203.0.113.7', meshPin: pin });
  assert.deepEqual([changed.status, changed.json.member], [200, 7], JSON.stringify(changed.json));
  await create('oslo', { id: 'e', meshAddress: '2001:DB8::1', meshPort: 5000 });
  await becomes('7 moscow/a, 10 oslo/e');
  const [a, e] = (await published()) ?? [];
  assert.deepEqual([a?.address, a?.port, a?.pin], ['203.0.113.7', 4443, new Uint8Array(32).fill(0xab)]);
  assert.deepEqual([e?.address, e?.port, e?.pin.length], ['2001:db8::1', 5000, 0]);
  await send('POST', `${worker}/a/drain`, {});
  await copy.app.stores.config.commit([{ key: '_system.worker.oslo.e', value: Uint8Array.of(0x0a, 0xff, 1) }]);
  await create('moscow', { id: 'f', meshAddress: '203.0.113.8' });
  await becomes('7 moscow/a, 10 oslo/e, 11 moscow/f');
  await send('DELETE', `${worker}/a`);
  await becomes('10 oslo/e, 11 moscow/f');
});

test('what is no address, port or pin is refused', async () => {
  for (const wrong of [
    { meshAddress: 'w1.example' },
    { meshAddress: '203.0.113.7', meshPort: 65_536 },
    { meshAddress: '203.0.113.7', meshPin: 'AB'.repeat(32) },
  ])
    assert.equal((await send('POST', '/v1/pops/moscow/workers', { id: 'x', ...wrong })).status, 400);
});

test('when all numbers have been given it says so', async () => {
  const value = toBinary(GuardSchema, make(GuardSchema, { child: '65535' }));
  await copy.app.stores.config.commit([{ key: GuardKey.members, value }]);
  const { status, json } = await send('POST', '/v1/pops/moscow/workers', { id: 'last' });
  assert.deepEqual([status, json.reason], [429, 'MEMBERS_EXHAUSTED']);
});
