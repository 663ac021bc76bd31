import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { fromEventMessage } from '#model/event-message.ts';
import { RevocationKey } from '#model/names.ts';
import { RevocationSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

let installation: TestInstallation;
let first: Copy;
let second: Copy;

before(async () => {
  installation = await createTestInstallation();
  [first, second] = await Promise.all([installation.startCopy(), installation.startCopy()]);
  await first.send('POST', '/v1/tenants', { id: 'acme' });
  await first.send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/16' });
});
after(() => installation?.close());

const devices = '/v1/tenants/acme/devices';

test('two copies give two hundred devices their own addresses', async () => {
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      (i % 2 === 0 ? first : second).send('POST', devices, { id: `d${i}`, network: 'n' }),
    ),
  );
  for (const { status, json } of answers) assert.equal(status, 201, JSON.stringify(json));
  assert.equal(new Set(answers.map(({ json }) => json.ipv4Address)).size, 200);
  assert.equal(new Set(answers.map(({ json }) => json.ipv6Address)).size, 200);
  const listed = await second.send('GET', `${devices}?page.size=1000`);
  assert.equal(listed.json.devices.length, 200);
});

test('a parent ends or gets a child, never both', async () => {
  for (let round = 0; round < 8; round++) {
    const network = { id: `race${round}`, ipv4Pool: '10.65.0.0/24' };
    await first.send('POST', '/v1/tenants/acme/networks', network);
    const [made, ended] = await Promise.all([
      first.send('POST', devices, { id: `race${round}`, network: network.id }),
      second.send('DELETE', `/v1/tenants/acme/networks/${network.id}`),
    ]);
    assert.ok(
      (made.status === 201 && ended.json?.reason === 'NETWORK_NOT_EMPTY') ||
        (made.json?.reason === 'NETWORK_NOT_FOUND' && ended.status === 204),
      `${made.status} ${JSON.stringify(made.json)} ${ended.status} ${JSON.stringify(ended.json)}`,
    );
  }
});

test('a worker that comes while its PoP is drained drains, too', async () => {
  for (let round = 0; round < 8; round++) {
    const pop = `/v1/pops/race${round}`;
    await first.send('POST', '/v1/pops', { id: `race${round}` });
    await first.send('POST', `${pop}/workers`, { id: 'w0' });
    const [made, renamed, drained] = await Promise.all([
      first.send('POST', `${pop}/workers`, { id: 'w1' }),
      first.send('PATCH', `${pop}/workers/w0`, { meshAddress: '192.0.2.1' }),
      second.send('POST', `${pop}/drain`, {}),
    ]);
    assert.deepEqual([made.status, renamed.status, drained.status], [201, 200, 200]);
    const { workers } = (await first.send('GET', `${pop}/workers`)).json;
    const told = workers.map((worker: { popDrain?: boolean }) => worker.popDrain);
    assert.deepEqual(told, [true, true], `round ${round}`);
  }
});

test('a route policy ends or gets a neighbour, never both', async () => {
  await first.send('POST', '/v1/pops', { id: 'moscow' });
  for (let round = 0; round < 8; round++) {
    const id = `race${round}`;
    await first.send('POST', '/v1/route-policies', { id, rules: [{ end: 'accept' }] });
    const router = { id, address: `198.51.100.${round + 1}`, remoteAsn: 64_500, importPolicy: id };
    const [made, ended] = await Promise.all([
      first.send('POST', '/v1/pops/moscow/bgp-neighbors', router),
      second.send('DELETE', `/v1/route-policies/${id}`),
    ]);
    const isUsed = made.status === 201 && ended.json?.reason === 'ROUTE_POLICY_IN_USE';
    const isGone = made.json?.violations?.[0].field === 'neighbor.import_policy' && ended.status === 204;
    assert.ok(isUsed || isGone, `${JSON.stringify(made.json)} ${ended.status} ${JSON.stringify(ended.json)}`);
  }
});

test('what a killed copy acknowledged is there, and its events come once and in order', async () => {
  const victim = await installation.startCopy();
  const acknowledged: string[] = [];
  const calls = Array.from({ length: 60 }, async (_, i) => {
    const answer = await victim.send('POST', devices, { id: `k${i}`, network: 'n' }).catch(() => undefined);
    if (answer?.status !== 201) return;
    acknowledged.push(`k${i}`);
    if (acknowledged.length === 20) await victim.kill();
  });
  await Promise.all(calls);
  assert.ok(acknowledged.length >= 20 && acknowledged.length < 60, `${acknowledged.length} were acknowledged`);
  for (const id of acknowledged) assert.equal((await second.send('GET', `${devices}/${id}`)).status, 200, id);
  await eventually(
    async () => ((await second.app.stores.config.list('*.outbox.*')).length === 0 ? true : undefined),
    'the outbox empties',
  );
  const events = await readEvents(second.nats);
  const created = events.filter(({ subject }) => subject.startsWith('cb.events.acme.device.created.'));
  const ids = created.map(({ subject }) => subject.split('.').at(-1));
  assert.equal(new Set(ids).size, ids.length, 'none twice');
  for (const id of acknowledged) assert.ok(ids.includes(id), id);
  const listed = (await second.send('GET', `${devices}?page.size=1000`)).json.devices as { id: string }[];
  assert.deepEqual([...ids].sort(), listed.map(({ id }) => id).sort(), 'an event for each device and no others');
  const [message] = created;
  assert.equal(message?.headers?.get('Nats-Msg-Id'), message?.headers?.get('ce-id'));
  assert.equal(message?.headers?.get('ce-type'), 'cloudbridge.v1.device.created');
  const event = fromEventMessage(message as NonNullable<typeof message>);
  assert.deepEqual([event?.tenant, event?.actor, event?.data.case], ['acme', 'olga', 'deviceCreated']);
});

test('a revocation reaches the workers’ bucket first, and a copy that died in between is finished by another', async () => {
  await first.send('POST', devices, { id: 'whole', network: 'n' });
  const whole = await first.send('POST', `${devices}/whole/revoke`, { reason: 'stolen' });
  assert.equal(whole.json.state, 'DEVICE_STATE_REVOKED');
  assert.equal((await first.send('POST', `${devices}/whole/revoke`, {})).json.meta.etag, whole.json.meta.etag);
  await first.send('POST', devices, { id: 'half', network: 'n' });
  // As if the copy had died right after its first write.
  const value = toBinary(RevocationSchema, create(RevocationSchema, { tenant: 'acme', device: 'half' }));
  await first.app.stores.revocations.commit([{ key: RevocationKey.device('acme', 'half'), value }]);
  const state = async () => (await second.send('GET', `${devices}/half`)).json.state;
  await eventually(async () => ((await state()) === 'DEVICE_STATE_REVOKED' ? true : undefined), 'the sweeper marks it');
  await second.send('DELETE', `${devices}/half`);
  const again = await second.send('POST', devices, { id: 'half', network: 'n' });
  assert.equal(again.json.reason, 'DEVICE_ID_HELD');
});

test('without NATS every call says so, and all is well again when it is back', async () => {
  await installation.server.kill();
  const away = await first.send('GET', '/v1/tenants/acme');
  assert.deepEqual([away.status, away.json.reason], [503, 'STORE_UNAVAILABLE']);
  assert.match(away.json.detail, /NATS/);
  assert.equal((await first.send('POST', '/v1/tenants', { id: 'away' })).status, 503);
  assert.ok(away.headers.get('retry-after'));
  await installation.server.start();
  await eventually(
    async () => ((await first.send('GET', '/v1/tenants/acme')).status === 200 ? true : undefined),
    'it is back',
  );
  await eventually(
    async () => ((await second.send('POST', '/v1/tenants', { id: 'back' })).status === 201 ? true : undefined),
    'it takes changes',
  );
  await eventually(
    async () =>
      (await readEvents(first.nats)).some(({ subject }) => subject === 'cb.events.back.tenant.created.back')
        ? true
        : undefined,
    'events flow',
  );
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
