import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FLEET_MANIFEST } from '#model/names.ts';
import type { Manifest } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { manifestIn } from './manifest.ts';
import { Publisher } from './publisher.ts';
import { generateRevisionKey, readRevisionKey } from './revision-key.ts';
import { createClient, eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

let installation: TestInstallation;
let copy: Copy;
let send: Copy['send'];
const publishers: Publisher[] = [];

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  ({ send } = copy);
  const signingKey = await readRevisionKey(JSON.stringify(await generateRevisionKey()));
  // Two copies publish at once; one wins each number.
  for (const { nats, app } of [copy, await installation.startCopy()]) {
    const options = {
      signingKey,
      tokenIssuer: 'https://edge.test',
      readJwks: async () => '{"keys":[]}',
      debounceMs: 20,
    };
    publishers.push(
      new Publisher(nats, app.stores, { ...options, report: (error) => installation.reports.push(error) }),
    );
  }
  await recorded(1);
});
after(async () => {
  for (const publisher of publishers) await publisher.close();
  await installation?.close();
});

const recorded = (number: number) =>
  eventually(async () => {
    const { status, json } = await send('GET', `/v1/revisions/${number}`);
    return status === 200 ? json : undefined;
  }, `revision ${number}`);

const newest = async (): Promise<Manifest> => {
  const { desired } = copy.app.stores;
  return manifestIn(desired, await desired.last(FLEET_MANIFEST)) as Manifest;
};

test('a forced revision is the newest once more, signed with force, by whoever asked and once', async () => {
  const first = await newest();
  const force = () => send('POST', '/v1/revisions/1/force', { reason: 'meant so' });
  const [answer, again] = await Promise.all([force(), force()]);
  assert.deepEqual([answer.status, again.status], [200, 200], JSON.stringify(answer.json));
  assert.deepEqual([answer.json.number, answer.json.forceAuthor, answer.json.forceReason], ['1', 'olga', 'meant so']);
  const { base, force: isForced, author, reason, size } = await recorded(2);
  assert.deepEqual([base, isForced, author, reason, size], ['1', true, 'olga', 'meant so', String(first.size)]);
  const manifest = await newest();
  assert.deepEqual([manifest.number, manifest.force, manifest.chunks], [2n, true, first.chunks]);
  assert.ok((await readEvents(copy.nats)).some(({ subject }) => subject === 'cb.events._system.revision.forced.1'));
  assert.equal((await force()).status, 200, 'whoever asks too late once more hears the same');
});

test('what changes later is not forced', async () => {
  await send('POST', '/v1/tenants', { id: 'acme' });
  await send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  const { force, base } = await recorded(3);
  assert.deepEqual([force, base], [undefined, '2']);
  assert.equal((await newest()).force, false);
});

test('only the newest can be forced, with a reason, by an operator', async () => {
  const reasonOf = async (number: number, body: { reason?: string }, from = send) => {
    const { status, json } = await from('POST', `/v1/revisions/${number}/force`, body);
    return [status, json.reason];
  };
  await send('POST', '/v1/tenants/acme/networks', { id: 'm', ipv4Pool: '10.65.0.0/24' });
  await recorded(4);
  assert.deepEqual(await reasonOf(3, { reason: 'x' }), [409, 'REVISION_NOT_NEWEST']);
  assert.deepEqual(await reasonOf(9, { reason: 'x' }), [404, 'REVISION_NOT_FOUND']);
  assert.deepEqual(await reasonOf(4, {}), [400, 'INVALID_ARGUMENT']);
  assert.deepEqual(await reasonOf(4, { reason: 'x'.repeat(201) }), [400, 'INVALID_ARGUMENT']);
  const tenantAdmin = await installation.tokens.sign({ subject: 'tim', roles: ['tenant-admin'], organisation: 'o' });
  assert.equal((await reasonOf(4, { reason: 'x' }, createClient(copy.app.fetch, tenantAdmin)))[0], 403);
  assert.equal((await newest()).number, 4n);
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
