import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { CONFIG_SERVICES } from '#services/config/app.ts';
import { withApi } from '../api/client.ts';
import { VISIBLE } from '../commands/registry.ts';
import { candidates } from '../completion.ts';
import { createWorld, type World } from '../testing/world.ts';
import { flagsOf } from './fields.ts';
import { listAll } from './list.ts';
import { METHODS, methodNamed } from './methods.ts';
import { requestFields } from './request.ts';
import { fieldHelp } from './wording.ts';

let world: World;
let owner: { readonly id: string; readonly keyFile: string };

before(async () => {
  world = await createWorld();
  const { keyFile } = await world.account('robot', 'operator');
  owner = await world.account('owner');
  await good('login', '--server', world.api, '--service-account-key', keyFile, '--context', 'test');
});
after(() => world.close());

/** Runs a command that must succeed. @returns its stdout */
const good = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await world.run(...args);
  assert.deepEqual([status, stderr], [0, ''], args.join(' '));
  return stdout;
};
const json = async (...args: string[]) => JSON.parse(await good(...args, '-o', 'json'));
const rows = async (...args: string[]): Promise<string[]> =>
  (await good(...args))
    .trimEnd()
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, '|'));

test('whatever the API offers there is a command for, and every option says what it is', () => {
  const names = VISIBLE.map(({ name }) => name);
  const offered = [...CONFIG_SERVICES, TokenService].flatMap(({ methods }) => methods);
  assert.equal(offered.length, METHODS.length + 1, 'all but the stream of events');
  for (const { noun, verb } of METHODS) assert.ok(names.includes(`${noun} ${verb}`), `${noun} ${verb}`);
  assert.ok(names.includes('event tail'));
  assert.equal(new Set(names).size, names.length);
  for (const method of METHODS)
    for (const { field } of flagsOf(requestFields(method)))
      assert.notEqual(fieldHelp(field), field.name.replaceAll('_', ' '), `${field} is described`);
});

test('tenants, networks and devices come, are seen, change and go', async () => {
  const tenant = await json('tenant', 'create', 'acme', '--display-name', 'Acme Ltd');
  assert.deepEqual([tenant.id, tenant.displayName, tenant.organisation], ['acme', 'Acme Ltd', '']);
  assert.match(await good('tenant', 'create'), /^id +tenant-[a-z0-9]{10}$/m);
  await good('network', 'create', 'acme/office', '--ipv4-pool', '10.64.0.0/24', '--egress');
  const device = await json('device', 'create', 'acme/laptop', '--network', 'office', '--owner', owner.id);
  assert.equal(device.state, 'DEVICE_STATE_ACTIVE');
  assert.match(device.ipv4Address, /^10\.64\.0\.\d+$/);
  const [headings, laptop] = await rows('device', 'list', 'acme');
  assert.equal(headings, 'TENANT|ID|DISPLAY NAME|NETWORK|IPV4 ADDRESS|IPV6 ADDRESS|STATE|OWNER');
  assert.equal(laptop, `acme|laptop|office|${device.ipv4Address}|${device.ipv6Address}|active|${owner.id}`);
  assert.deepEqual(await rows('network', 'list', 'acme'), [
    'TENANT|ID|DISPLAY NAME|IPV4 POOL|IPV6 PREFIX|EGRESS',
    `acme|office|10.64.0.0/24|${(await json('network', 'get', 'acme/office')).ipv6Prefix}|yes`,
  ]);
  const changed = await json('network', 'update', 'acme/office', '--no-egress', '--display-name', 'Office');
  assert.deepEqual([changed.egress, changed.displayName, changed.ipv4Pool], [false, 'Office', '10.64.0.0/24']);
  assert.match(await good('device', 'revoke', 'acme/laptop', '--reason', 'lost'), /^state +revoked$/m);
  assert.equal(await good('device', 'delete', 'acme/laptop'), 'device acme/laptop: deleted.\n');
  assert.deepEqual(await json('network', 'delete', 'acme/office'), { network: 'acme/office', deleted: true });
  await good('tenant', 'delete', 'acme', '--yes');
  assert.ok((await json('tenant', 'list')).every(({ id }: { id: string }) => id.startsWith('tenant-')));
});

test('an empty word empties a list, as it does a text', async () => {
  await good('pop', 'create', 'minsk');
  const session = ['--address', '198.51.100.9', '--remote-asn', '64500', '--communities', '64500:1'];
  const made = await json('bgp', 'neighbor', 'create', 'minsk/transit', ...session, '--communities', '64500:2');
  assert.deepEqual(made.communities, ['64500:1', '64500:2']);
  const emptied = await json('bgp', 'neighbor', 'update', 'minsk/transit', '--communities', '');
  assert.deepEqual([emptied.communities, emptied.remoteAsn], [[], 64_500]);
  await good('bgp', 'neighbor', 'delete', 'minsk/transit');
  await good('pop', 'delete', 'minsk');
});

test('PoPs and workers, drained one by one or together', async () => {
  await good('pop', 'create', 'moscow', '--display-name', 'Moscow', '--latitude', '55.75', '--longitude', '-0.5');
  const pop = await json('pop', 'get', 'moscow');
  assert.deepEqual([pop.latitude, pop.longitude], [55.75, -0.5]);
  await good('pop', 'create', 'frankfurt');
  for (const worker of ['moscow/w1', 'moscow/w2', 'frankfurt/w1']) await good('worker', 'create', worker);
  const drained = async () =>
    (await json('worker', 'list')).map((each: { pop: string; id: string; drain: boolean }) => [
      `${each.pop}/${each.id}`,
      each.drain,
    ]);
  await good('worker', 'drain', 'frankfurt/w1');
  assert.deepEqual(Object.fromEntries(await drained()), {
    'moscow/w1': false,
    'moscow/w2': false,
    'frankfurt/w1': true,
  });
  const headings = 'POP|ID|DRAIN|POP DRAIN|CONNECTED|HEALTH|SESSIONS';
  assert.deepEqual(await rows('pop', 'drain', 'moscow'), [headings, 'moscow|w1|no|yes', 'moscow|w2|no|yes']);
  assert.equal((await json('pop', 'get', 'moscow')).drain, true);
  assert.equal((await json('worker', 'create', 'moscow/w3')).popDrain, true, 'one that comes later, too');
  assert.deepEqual((await drained()).filter(([, drain]: [string, boolean]) => drain).length, 1);
  // Of whom nothing was heard nobody knows whether it serves.
  const drain = await world.run('pop', 'drain', 'moscow', '--wait', '0');
  assert.equal(drain.status, 1);
  assert.match(drain.stderr, /^cloudbridge: Not done after 0 s: moscow\/w1 is not reached \(.*\), moscow\/w2 is not/);
  assert.match(drain.stderr, /may still announce and serve: `cloudbridge worker drain` at its machine/);
  const undrain = await world.run('worker', 'undrain', 'frankfurt/w1', '--wait', '0');
  assert.equal(undrain.status, 1);
  assert.match(undrain.stderr, /: frankfurt\/w1 is not reached \(nothing was heard of it within a day\)\.\n$/);
  await good('worker', 'drain', 'moscow/w2');
  assert.deepEqual((await rows('pop', 'undrain', 'moscow')).slice(1).sort(), [
    'moscow|w1|no|no',
    'moscow|w2|yes|no',
    'moscow|w3|no|no',
  ]);
  await good('worker', 'undrain', 'moscow/w2');
  assert.ok((await drained()).every(([, drain]: [string, boolean]) => !drain));
  const empty = await world.run('pop', 'create', 'amsterdam').then(() => world.run('pop', 'drain', 'amsterdam'));
  assert.deepEqual([empty.status, empty.stderr], [0, 'PoP amsterdam has no workers.\n']);
  const local = await world.run('worker', 'drain', '--socket', path.join(world.home, 'no.sock'));
  assert.match(local.stderr, /no\.sock/, 'without a worker named it is the one on this machine');
  for (const args of [
    ['--server', world.api],
    ['--context', 'test'],
    ['moscow/w1', '--socket', 'x'],
  ]) {
    const mixed = await world.run('worker', 'drain', ...args);
    assert.equal(mixed.status, 2, mixed.stderr);
  }
});

const POLICY = `
displayName: To our transits
prefixLists: [{ name: ours, prefixes: [192.0.2.0/24] }]
rules:
  - name: ours
    match: { prefixes: ['@ours'] }
    set: { addCommunities: ['64512:7'] }
    end: accept
`;

test('route policies come from files, are seen rule by rule, and are held by the neighbours that have them', async () => {
  const file = path.join(world.home, 'to-transit.yaml');
  writeFileSync(file, POLICY);
  const made = await json('bgp', 'policy', 'create', 'to-transit', '-f', file);
  const { name, match, set, end } = parse(POLICY).rules[0];
  assert.deepEqual([made.id, made.rules], ['to-transit', [{ name, match, set, end }]], 'without what nobody said');
  const [, row] = await rows('bgp', 'policy', 'list');
  assert.match(row ?? '', /^to-transit\|To our transits\|1\|/);
  assert.match(await good('bgp', 'policy', 'get', 'to-transit'), /^rules 1 +\{"name":"ours","match":\{"prefixes"/m);
  await good('pop', 'create', 'kazan');
  const neighbor = ['kazan/transit1', '--address', '198.51.100.1', '--remote-asn', '64500'];
  const lost = await world.run('bgp', 'neighbor', 'create', ...neighbor, '--export-policy', 'lost');
  assert.match(lost.stderr, /neighbor\.export_policy: there is no route policy "lost" \(INVALID_ARGUMENT\)/);
  await good('bgp', 'neighbor', 'create', ...neighbor, '--export-policy', 'to-transit');
  const used = await world.run('bgp', 'policy', 'delete', 'to-transit', '--yes');
  assert.match(
    used.stderr,
    /Route policy "to-transit" is in use: neighbor "kazan\/transit1" has it; change that first/,
  );
  // What `get` shows is what `update` takes.
  writeFileSync(
    file,
    (await good('bgp', 'policy', 'get', 'to-transit', '-o', 'yaml')).replace('end: accept', 'end: drop'),
  );
  const wrong = await world.run('bgp', 'policy', 'update', '-f', file);
  assert.match(wrong.stderr, /policy\.rules\[0\]\.end/);
  writeFileSync(file, readFileSync(file, 'utf8').replace('end: drop', 'end: reject'));
  assert.equal((await json('bgp', 'policy', 'update', '-f', file)).rules[0].end, 'reject');
  await good('bgp', 'neighbor', 'update', 'kazan/transit1', '--export-policy', '');
  assert.equal(await good('bgp', 'policy', 'delete', 'to-transit', '--yes'), 'bgp policy to-transit: deleted.\n');
});

test('what docs/bgp.md shows of policies works as it stands', async () => {
  const manual = readFileSync(new URL('../../docs/bgp.md', import.meta.url), 'utf8');
  const section = manual.slice(manual.indexOf('## Policies of the API'), manual.indexOf('## What happens when'));
  await good('pop', 'create', 'volgograd');
  await good('bgp', 'neighbor', 'create', 'volgograd/transit1', '--address', '198.51.100.1', '--remote-asn', '64500');
  const files = [...section.matchAll(/^```yaml\n# (\S+)\n(.*?)^```/gms)];
  for (const [, name = '', yaml = ''] of files) writeFileSync(path.join(world.home, name), yaml);
  const lines = /^```sh\n(.*?)^```/ms.exec(section)?.[1]?.trim().split('\n') ?? [];
  assert.deepEqual([files.length, lines.length], [2, 5]);
  for (const line of lines) {
    const words = line.replace(/ +#.*/, '').replace('moscow', 'volgograd').split(' ').slice(1);
    await good(...words.map((word) => (word.endsWith('.yaml') ? path.join(world.home, word) : word)));
  }
  const { importPolicy, exportPolicy } = await json('bgp', 'neighbor', 'get', 'volgograd/transit1');
  assert.deepEqual([importPolicy, exportPolicy], ['from-transit', 'to-transit']);
});

test('what get shows can be edited and given back, unless somebody else was faster', async () => {
  await good('tenant', 'create', 'globex', '--display-name', 'Globex');
  const file = path.join(world.home, 'globex.yaml');
  const text = await good('tenant', 'get', 'globex', '-o', 'yaml');
  assert.equal(parse(text).meta.etag, (await json('tenant', 'get', 'globex')).meta.etag);
  writeFileSync(file, text.replace('displayName: Globex', 'displayName: Globex Corporation'));
  assert.equal((await json('tenant', 'update', '-f', file)).displayName, 'Globex Corporation');
  const late = await world.run('tenant', 'update', '-f', file);
  assert.equal(late.status, 1);
  assert.match(
    late.stderr,
    /^cloudbridge: Tenant "globex" was changed meanwhile: .* read it again \(ETAG_MISMATCH\)\.$/m,
  );
  const named = await world.run('tenant', 'update', 'globex', '--display-name', 'x', '--etag', '1');
  assert.match(named.stderr, /ETAG_MISMATCH/);
  const other = await world.run('tenant', 'update', 'initech', '-f', file);
  assert.equal(other.status, 2);
  assert.match(other.stderr, /The tenant is `initech` on the command line and `globex` in the file/);
  const emptied = path.join(world.home, 'emptied.json');
  writeFileSync(emptied, JSON.stringify({ id: 'globex', display_name: '' }));
  assert.equal((await json('tenant', 'update', '-f', emptied)).displayName, '', 'also to nothing');
  const copy = path.join(world.home, 'copy.yaml');
  writeFileSync(copy, readFileSync(file, 'utf8').replace('id: globex', 'id: copy'));
  const made = await json('tenant', 'create', '-f', copy, '--organisation', '42');
  assert.deepEqual([made.id, made.displayName, made.organisation], ['copy', 'Globex Corporation', '42']);
});

test('a list goes over all its pages, and over all parents', async () => {
  for (const id of ['alpha', 'beta', 'gamma'])
    await good('network', 'create', `globex/${id}`, '--ipv4-pool', '10.65.0.0/24');
  await good('network', 'create', 'copy/alpha', '--ipv4-pool', '10.65.0.0/24');
  process.env['CBR_CONFIG'] = path.join(world.home, 'config');
  const ids = await withApi({}, async (api) => {
    const list = methodNamed('network', 'list');
    return [await listAll(api, list, 'globex', 1), await listAll(api, list, undefined, 2)];
  });
  delete process.env['CBR_CONFIG'];
  assert.deepEqual(
    ids.map((each) => each.map(({ tenant, id }) => `${tenant}/${id}`)),
    [
      ['globex/alpha', 'globex/beta', 'globex/gamma'],
      ['globex/alpha', 'globex/beta', 'globex/gamma', 'copy/alpha'],
    ],
  );
  const lines = (await good('network', 'list', '--json')).trimEnd().split('\n');
  assert.equal(lines.length, 4);
  for (const line of lines) assert.equal(typeof JSON.parse(line).egress, 'boolean');
});

test('a device gets its token from the token service, which takes it back by its id', async () => {
  await good('device', 'create', 'globex/phone', '--network', 'alpha', '--owner', owner.id);
  const stranger = { CBR_SERVER: world.api, CBR_SERVICE_ACCOUNT_KEY: (await world.account('stranger')).keyFile };
  const foreign = await world.runWith(stranger, 'device', 'token', 'globex/phone');
  assert.match(foreign.stderr, /is not yours/);
  const env = { CBR_SERVER: world.api, CBR_SERVICE_ACCOUNT_KEY: owner.keyFile };
  const token = await world.runWith(env, 'device', 'token', 'globex/phone', '--lifetime-seconds', '60', '-o', 'json');
  assert.equal(token.status, 0, token.stderr);
  assert.match((await world.runWith(env, 'device', 'token', 'globex/phone')).stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { tokenId } = JSON.parse(token.stdout);
  assert.deepEqual(await json('token', 'revoke', `globex/${tokenId}`, '--reason', 'test'), {
    token: `globex/${tokenId}`,
    revoked: true,
  });
});

test('revisions can be listed and shown', async () => {
  assert.deepEqual(await json('revision', 'list'), []);
  assert.match((await world.run('revision', 'get', '1')).stderr, /Revision "1" does not exist \(REVISION_NOT_FOUND\)/);
});

test('what is wrong with a command or refused by the API is one sentence', async () => {
  const own = { CBR_SERVER: world.api, CBR_SERVICE_ACCOUNT_KEY: owner.keyFile };
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(world.home, name), text);
    return path.join(world.home, name);
  };
  for (const [args, status, pattern, env] of [
    [['device', 'get'], 2, /TENANT\/DEVICE is missing/],
    [['device', 'get', 'laptop'], 2, /`laptop` is not enough: say TENANT\/DEVICE/],
    [['device', 'get', 'a/b/c'], 2, /`a\/b\/c` is not of the form TENANT\/DEVICE/],
    [['device', 'list', 'acme/laptop'], 2, /not of the form TENANT/],
    [['device', 'create'], 2, /TENANT\/DEVICE is missing/],
    [['device', 'create', 'globex/x'], 1, /The request is wrong: device\.network: is missing \(INVALID_ARGUMENT\)/],
    [['device', 'get', 'globex/lost'], 1, /^cloudbridge: Device "lost" does not exist \(DEVICE_NOT_FOUND\)\.$/m],
    [['device', 'list', 'lost'], 1, /Tenant "lost" does not exist \(TENANT_NOT_FOUND\)/],
    [['tenant', 'create', 'globex'], 1, /exists already \(TENANT_EXISTS\)/],
    [
      ['tenant', 'create', 'No Good'],
      1,
      /tenant\.id: must be 1 to 40 lower-case letters, .* with a letter first and no hyphen last \(INVALID_ARGUMENT\)\.$/m,
    ],
    [['network', 'create', 'globex/-'], 1, /network\.id: must be 1 to 40 lower-case letters/],
    [['tenant', 'delete', 'globex'], 1, /still has .*delete them first \(TENANT_NOT_EMPTY\)/],
    [['tenant', 'update', 'globex'], 2, /Say what to change: --display-name, --organisation or --file/],
    [['network', 'update', 'globex/alpha', '--ipv4-pool', '10.1.0.0/24'], 1, /is fixed at creation/],
    [['pop', 'create', 'x', '--latitude', 'north'], 2, /--latitude takes a number, not `north`/],
    [['pop', 'create', 'x', '--latitude', '91'], 1, /pop\.latitude/],
    [['tenant', 'create', '-f', file('not.yaml', '{')], 2, /is neither YAML nor JSON/],
    [['tenant', 'create', '-f', file('list.yaml', '- a')], 2, /must hold one tenant/],
    [['tenant', 'create', '-f', file('other.yaml', 'colour: red')], 2, /is no tenant: .*colour/],
    [['tenant', 'create', '-f', '/nowhere.yaml'], 1, /\/nowhere\.yaml cannot be read \(ENOENT\)/],
    [['tenant', 'list', '--context', 'lost'], 1, /There is no context `lost`/],
    [['tenant', 'list', '--context', 'test', '--server', world.api], 2, /not both/],
    [['tenant', 'list', '--server', 'http://127.0.0.1:9'], 1, /Nobody is signed in at http:\/\/127\.0\.0\.1:9/],
    [['pop', 'list'], 1, /ListPops is for operator \(ROLE_MISSING\)/, own],
    [['tenant', 'list'], 1, /cannot be reached \(ECONNREFUSED\)/, { CBR_SERVER: 'http://127.0.0.1:9', CBR_TOKEN: 'x' }],
    [
      ['tenant', 'list'],
      1,
      /cannot be reached \(ECONNREFUSED\)/,
      { ...own, CBR_ISSUER: 'http://127.0.0.1:9', CBR_PROJECT: '1' },
    ],
    [['tenant', 'list'], 1, /\(TOKEN_INVALID\): sign in with `cloudbridge login`/, { CBR_TOKEN: 'a.b.c' }],
    [['revision', 'get', 'one'], 2, /NUMBER takes a number, not `one`/],
    [['tennant', 'list'], 2, /Unknown command `tennant`\. Did you mean `tenant`\?/],
    [['tenant', 'lits'], 2, /`tenant` is followed by one of: .* Did you mean `tenant list`\?/],
  ] as const) {
    const ran = await world.runWith(env ?? {}, ...args);
    assert.deepEqual([ran.status, ran.stdout], [status, ''], `${args.join(' ')}: ${ran.stderr}`);
    assert.match(ran.stderr, pattern);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
  }
});

test('a token that the API turns down is replaced by another, once', async () => {
  const session = path.join(world.home, 'config', 'sessions', 'test.json');
  const kept = JSON.parse(readFileSync(session, 'utf8'));
  writeFileSync(session, JSON.stringify({ ...kept, accessToken: 'revoked.by.somebody' }));
  await good('tenant', 'list');
  const { accessToken } = JSON.parse(readFileSync(session, 'utf8'));
  assert.ok(!['revoked.by.somebody', kept.accessToken].includes(accessToken));
});

test('the certificate is judged by the authority that was named, and by the name in the URL', async () => {
  const authority = createAuthority();
  const ca = path.join(world.home, 'ca.pem');
  writeFileSync(ca, authority.pem);
  const port = await world.listenTls(authority.issue('api', ['DNS:api.cloudbridge.test']));
  const robot = path.join(world.home, 'robot.json');
  const connectTo = ['--connect-to', `api.cloudbridge.test:443=127.0.0.1:${port}`];
  const login = (...args: string[]) => world.run('login', '--service-account-key', robot, '--context', 'tls', ...args);
  const untrusted = await login('--server', 'https://api.cloudbridge.test', ...connectTo);
  assert.match(
    untrusted.stderr,
    /is not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\): name the installation's authority/,
  );
  const otherName = await login('--server', `https://127.0.0.1:${port}`, '--ca', ca);
  assert.match(otherName.stderr, /is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)/);
  const trusted = await login('--server', 'https://api.cloudbridge.test', '--ca', ca, ...connectTo);
  assert.equal(trusted.status, 0, trusted.stderr);
  assert.match(await good('--context', 'tls', 'tenant', 'list'), /^ID/);
  await good('context', 'use', 'test');
});

test('nouns, verbs, options and contexts complete', () => {
  const all = (...words: string[]): string[] => candidates(VISIBLE, words);
  assert.deepEqual(all('ten'), ['tenant']);
  assert.deepEqual(all('device', 're'), ['revoke']);
  assert.ok(all('--context', 'lab', 'network', 'update', '--').includes('--no-egress'));
  process.env['CBR_CONFIG'] = path.join(world.home, 'config');
  assert.deepEqual(all('tenant', 'list', '--context', ''), ['test', 'tls']);
  assert.deepEqual(all('context', 'use', 't'), ['test', 'tls']);
  delete process.env['CBR_CONFIG'];
});

test('nothing of this was the fault of a service', () => assert.deepEqual(world.reports, []));
