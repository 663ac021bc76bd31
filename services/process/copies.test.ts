import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceAccountKey } from '#services/auth/admin.ts';
import { apiSuite } from '#services/config/testing/api-suite.ts';
import { createClient, eventually, type Fetch, fetchAt, retrying } from '#services/config/testing/client.ts';
import { readEvents } from '#services/config/testing/read-events.ts';
import type { Service } from './main.ts';
import { type Fleet, startFleet, tokenFrom } from './testing/fleet.ts';

let fleet: Fleet;
let foreign: string;
const keys = new Map<string, Promise<ServiceAccountKey>>();

/** The account's key, made when it is first asked for. */
const keyOf = (role: string, organisation: string): Promise<ServiceAccountKey> => {
  const name = `${role}-${organisation}`;
  const account = { userName: name, displayName: name, organisation, roles: [role] };
  const key = keys.get(name) ?? fleet.admin.createServiceAccount(account).then((made) => made.key);
  keys.set(name, key);
  return key;
};
const token = async (role: string, organisation = fleet.identity.settings.organisationId): Promise<string> =>
  fleet.accessToken(await keyOf(role, organisation));

/** Devices, by `tenant/id`, whose creation a caller was told of. */
const acknowledged = new Set<string>();

/** Keeps what was acknowledged. */
const noting =
  (fetch: Fetch): Fetch =>
  async (request) => {
    const answer = await fetch(request);
    const tenant = /^\/v1\/tenants\/([^/]+)\/devices$/.exec(new URL(request.url).pathname)?.[1];
    if (request.method === 'POST' && tenant !== undefined && answer.status === 201) {
      acknowledged.add(`${tenant}/${((await answer.clone().json()) as { id: string }).id}`);
    }
    return answer;
  };

const TOKENS = 15;
const TOKEN_EVERY_MS = 200;

/** A caller that does not give up, against a service's balancer. */
const callerOf = (service: Service): Fetch => noting(retrying(fetchAt(fleet.url(service))));

/** The whole suite, at the services and at the edge at once, and tokens for a device meanwhile. */
const round = async (name: string): Promise<void> => {
  const running = (['config', 'edge'] as const).map(async (service) => {
    const organisations = [fleet.identity.settings.organisationId, foreign] as const;
    const suite = apiSuite({ fetch: callerOf(service), token, organisations, prefix: `${name}${service[0]}-` });
    for (const each of suite) {
      await each.run().catch((cause: unknown) => assert.fail(`${service}: ${each.name}: ${String(cause)}`));
    }
  });
  let ended = false;
  const all = Promise.all(running).finally(() => {
    ended = true;
  });
  // The service gives one device only so many a minute.
  for (let issued = 0; issued < TOKENS && !ended; issued++) {
    await deviceToken();
    await sleep(TOKEN_EVERY_MS);
  }
  await all;
};

const deviceToken = (): Promise<string> =>
  tokenFrom(`${fleet.url('token')}/v1/token`, async () => ({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await token('operator'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: 'urn:cloudbridge:device:base/laptop',
  }));

before(async () => {
  fleet = await startFleet();
  foreign = (await fleet.admin.createOrganisation('Foreign', 'foreign.test')).id;
  const send = createClient(callerOf('config'), await token('operator'));
  await send('POST', '/v1/tenants', { id: 'base' });
  await send('POST', '/v1/tenants/base/networks', { id: 'n', ipv4Pool: '10.64.0.0/16' });
  const { userId: owner } = await keyOf('operator', fleet.identity.settings.organisationId);
  const made = await send('POST', '/v1/tenants/base/devices', { id: 'laptop', network: 'n', owner });
  assert.equal(made.status, 201, JSON.stringify(made.json));
});
after(() => fleet?.close());

test('two copies of each service, as processes behind balancers, serve the API and the edge', () => round('a'));

const TENANTS = 60;
const KILL_AFTER = 15;

test('one copy of each is killed in the middle of the suite: nobody is told of it', async () => {
  const send = createClient(callerOf('config'), await token('operator'));
  const kills: Promise<void>[] = [];
  let answered = 0;
  // Their ids are made up: a request that was carried out twice would show as one tenant too many.
  const tenants = Array.from({ length: TENANTS }, async () => {
    const made = await send('POST', '/v1/tenants', { displayName: 'Made once' });
    if (++answered === KILL_AFTER)
      kills.push(...(['config', 'token', 'auth', 'edge'] as const).map((service) => fleet.kill(service, 0)));
    assert.equal(made.status, 201, JSON.stringify(made.json));
    return String(made.json.id);
  });
  const [made] = await Promise.all([Promise.all(tenants), round('b')]);
  assert.equal((await Promise.all(kills)).length, 4);
  const { json } = await send('GET', '/v1/tenants?page.size=1000');
  const listed = (json.tenants as { id: string; displayName?: string }[]).filter(
    ({ displayName }) => displayName === 'Made once',
  );
  assert.deepEqual(listed.map(({ id }) => id).sort(), made.sort());
});

test('the copies that are left serve on', () => round('c'));

test('nothing that was acknowledged is lost, and it happened once', async () => {
  const prefix = /^(base|[abc][ce]-)/;
  const created = async (): Promise<string[]> =>
    (await readEvents(fleet.nats)).flatMap(({ subject }) => {
      const [, , tenant = '', area, type, id] = subject.split('.');
      return area === 'device' && type === 'created' && prefix.test(tenant) ? [`${tenant}/${id}`] : [];
    });
  const seen = await eventually(async () => {
    const events = await created();
    return events.length >= acknowledged.size ? events : undefined;
  }, 'an event for each device');
  assert.deepEqual(seen.sort(), [...acknowledged].sort());
});
