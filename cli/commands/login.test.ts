import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { CLI_CLIENT as REGISTERED } from '#services/auth/bootstrap.ts';
import { Browser, fieldOf } from '#services/auth/testing/browser.ts';
import { CLI_CLIENT } from '../api/login-options.ts';
import { createWorld, ended, type World } from '../testing/world.ts';

const PASSWORD = 'correct horse battery';
let world: World;
let keyFile: string;
let robot: string;

before(async () => {
  world = await createWorld();
  ({ keyFile, id: robot } = await world.account('robot', 'operator'));
  const { organisationId: organisation } = world.issuer.identity.settings;
  const olga = { userName: 'olga', displayName: 'Olga', organisation, roles: ['operator'] };
  await world.issuer.admin.createPerson(olga, PASSWORD);
});
after(() => world.close());

const configFile = (...parts: string[]): string => path.join(world.home, 'config', ...parts);
const sessionOf = (name: string): { accessToken: string; refreshToken?: string; expiresAtMs: number } =>
  JSON.parse(readFileSync(configFile('sessions', `${name}.json`), 'utf8'));

test('a service account signs in by the address of the API alone, and what is kept is for its owner only', async () => {
  assert.equal(CLI_CLIENT, REGISTERED);
  const ran = await world.run('login', '--server', `${world.api}/`, '--service-account-key', keyFile);
  assert.deepEqual([ran.status, ran.stderr], [0, '']);
  assert.match(ran.stdout, /as robot \(operator\); the current context is `127\.0\.0\.1`/);
  for (const folder of ['', 'contexts', 'sessions'])
    for (const name of readdirSync(configFile(folder))) {
      const { mode } = statSync(configFile(folder, name));
      assert.equal(mode & 0o077, 0, `${folder}/${name}`);
    }
  const context = JSON.parse(readFileSync(configFile('contexts', '127.0.0.1.json'), 'utf8'));
  assert.deepEqual(
    [context.server, context.issuer, context.project, context.tokenService],
    [world.api, world.issuer.url, world.issuer.identity.settings.projectId, world.tokenService],
  );
  const who = await world.run('whoami', '--json');
  assert.deepEqual(JSON.parse(who.stdout), {
    name: 'robot',
    subject: robot,
    roles: ['operator'],
    organisation: world.issuer.identity.settings.organisationId,
    context: '127.0.0.1',
    server: world.api,
    issuer: world.issuer.url,
  });
});

test('contexts are listed, shown without secrets, chosen and deleted', async () => {
  const again = await world.run('login', '--server', world.api, '--service-account-key', keyFile, '--context', 'ci');
  assert.equal(again.status, 0, again.stderr);
  assert.match((await world.run('context', 'list')).stdout, /^\* {2}ci {9,}http/m);
  const shown = await world.run('context', 'show', '--json');
  const { accessToken } = sessionOf('ci');
  assert.equal(JSON.parse(shown.stdout).keyFile, keyFile);
  assert.ok(!shown.stdout.includes(accessToken));
  assert.equal((await world.run('context', 'use', '127.0.0.1')).status, 0);
  assert.match((await world.run('context', 'list')).stdout, /^\* {2}127/m);
  assert.match((await world.run('--context', 'ci', 'whoami')).stdout, /^context +ci$/m);
  assert.deepEqual(await world.run('context', 'delete', 'ci'), {
    status: 0,
    stdout: 'Context `ci` is deleted.\n',
    stderr: '',
  });
  assert.equal(existsSync(configFile('sessions', 'ci.json')), false);
  const missing = await world.run('whoami', '--context', 'ci');
  assert.deepEqual([missing.status, missing.stdout], [1, '']);
  assert.match(missing.stderr, /^cloudbridge: There is no context `ci`\./);
  assert.equal((await world.run('context', 'use', '../x')).status, 2);
});

/** Lets a device in by its code, as a person with a browser elsewhere does. */
const confirm = async (url: string): Promise<void> => {
  const code = new URL(url).searchParams.get('user_code') ?? '';
  const browser = new Browser();
  const xsrf = fieldOf(await (await browser.get(url)).text(), 'xsrf');
  const confirmed = await browser.post(`${world.issuer.url}/device`, { xsrf, user_code: code, confirm: 'yes' });
  const asked = await browser.follow(confirmed);
  assert.ok('page' in asked);
  await browser.follow(await browser.post(asked.url, { action: 'login', username: 'olga', password: PASSWORD }));
};

/** Waits for text on stderr. */
const shows = (child: ReturnType<World['start']>, pattern: RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += String(chunk);
      const found = pattern.exec(text);
      if (found !== null) resolve(found[1] ?? found[0]);
    });
    child.once('close', () => reject(new Error(`it ended: ${text}`)));
  });

test('a person signs in with a browser here or elsewhere, stays signed in over commands at once, and signs out', async () => {
  const device = world.start({}, 'login', '--server', world.api, '--no-browser', '--context', 'olga');
  const [url, first] = [shows(device, /or open (\S+)\n/), ended(device)];
  await confirm(await url);
  assert.match((await first).stdout, /as olga \(operator\)/);
  const local = world.start({ PATH: '/nowhere' }, 'login', '--browser');
  const [page, second] = [shows(local, /or open (\S+)\n/), ended(local)];
  const away = await new Browser().signIn(await page, 'olga', PASSWORD);
  assert.equal((await fetch(away)).status, 200);
  assert.match((await second).stdout, /current context is `olga`/);
  const kept = sessionOf('olga');
  // As if its time had come: several commands at once go on with the one refresh token.
  writeFileSync(configFile('sessions', 'olga.json'), JSON.stringify({ ...kept, expiresAtMs: 0 }));
  const ran = await Promise.all([1, 2, 3].map(() => ended(world.start({}, 'whoami'))));
  assert.deepEqual(
    ran.map(({ status, stderr }) => [status, stderr]),
    Array(3).fill([0, '']),
  );
  const renewed = sessionOf('olga');
  assert.notEqual(renewed.refreshToken, kept.refreshToken);
  assert.equal(existsSync(configFile('sessions', 'olga.json.lock')), false);
  assert.deepEqual(await world.run('logout'), { status: 0, stdout: 'Signed out of context `olga`.\n', stderr: '' });
  assert.match((await world.run('whoami')).stderr, /^cloudbridge: Nobody is signed in at .* run `cloudbridge login/);
  // The issuer knows that too.
  const context = JSON.parse(readFileSync(configFile('contexts', 'olga.json'), 'utf8'));
  writeFileSync(configFile('contexts', 'olga.json'), JSON.stringify({ ...context, auth: { kind: 'person' } }));
  writeFileSync(configFile('sessions', 'olga.json'), JSON.stringify({ ...renewed, expiresAtMs: 0 }));
  assert.match((await world.run('whoami')).stderr, /^cloudbridge: The sign-in has ended: sign in again/);
  assert.equal((await world.run('context', 'use', '127.0.0.1')).status, 0);
});

test('a sign-in that is given up keeps nothing', async () => {
  const child = world.start({}, 'login', '--server', world.api, '--no-browser', '--context', 'never');
  const [url, end] = [shows(child, /or open (\S+)\n/), ended(child)];
  await url;
  child.kill('SIGINT');
  const { status, stderr } = await end;
  assert.equal(status, 1);
  assert.match(stderr, /given up/);
  assert.equal(existsSync(configFile('contexts', 'never.json')), false);
});

test('the environment says otherwise, for scripts', async () => {
  const token = sessionOf('127.0.0.1').accessToken;
  const empty = { CBR_CONFIG: path.join(world.home, 'empty') };
  const by = (env: Record<string, string>) => world.runWith({ ...empty, ...env }, 'whoami', '--json');
  for (const env of [{ CBR_TOKEN: token }, { CBR_SERVICE_ACCOUNT_KEY: keyFile }]) {
    const { status, stdout, stderr } = await by({ CBR_SERVER: world.api, ...env });
    assert.deepEqual([status, JSON.parse(stdout || '{}').name], [0, 'robot'], stderr);
  }
  assert.equal(existsSync(empty.CBR_CONFIG), false, 'nothing is kept');
  const nowhere = await by({});
  assert.deepEqual([nowhere.status, nowhere.stdout], [2, '']);
  assert.match(nowhere.stderr, /No installation is named/);
  const nobody = await by({ CBR_SERVER: world.api });
  assert.match(nobody.stderr, /Nobody is signed in at .*set CBR_TOKEN/);
  const expired = await by({ CBR_SERVER: world.api, CBR_TOKEN: `${token}x` });
  assert.match(expired.stderr, /the access token is not valid/);
  assert.equal(expired.status, 1);
});

test('what cannot work is told in one sentence, and nothing is kept', async () => {
  const stranger = path.join(world.home, 'stranger.json');
  const bare = path.join(world.home, 'bare.json');
  for (const [file, mode] of [
    [stranger, 0o600],
    [bare, 0o640],
  ] as const)
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(keyFile, 'utf8')), keyId: 'other' }), { mode });
  for (const [args, status, pattern] of [
    [['--server', 'api.example'], 2, /--server takes a URL such as/],
    [['--server', 'http://api.example'], 2, /must begin with https:\/\//],
    [['--server', 'https://user:pw@api.example'], 2, /takes a URL/],
    [['--server', 'http://127.0.0.1:9'], 1, /http:\/\/127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\)/],
    [['--server', world.issuer.url], 1, /does not tell who gives tokens for it .* --issuer URL --project ID/],
    [
      ['--server', world.api.replace('127.0.0.1', 'localhost'), '--project', '1', '--issuer', 'ftp://x'],
      2,
      /--issuer takes/,
    ],
    [['--server', world.api, '--service-account-key', 'lost.json'], 1, /key file lost\.json does not exist/],
    [['--server', world.api, '--service-account-key', 'package.json'], 1, /is no key of a service account/],
    [['--server', world.api, '--service-account-key', bare], 1, /bare\.json may be read .*\(mode 640\): chmod 600/],
    [['--server', world.api, '--service-account-key', stranger], 1, /The sign-in of service account \d+ was refused/],
    [['--server', world.api, '--service-account-key', keyFile, '--browser'], 2, /not both/],
    [['--server', world.api, '--ca', 'lost.pem', '--connect-to', 'a:1=b'], 2, /--connect-to takes/],
    [
      ['--server', 'https://127.0.0.1:9', '--ca', 'lost.pem'],
      1,
      /file of authorities .*lost\.pem cannot be read \(ENOENT\)/,
    ],
    [['--context', 'new'], 2, /--server is missing/],
  ] as const) {
    const ran = await world.run('login', '--context', 'broken', ...args);
    assert.deepEqual([ran.status, ran.stdout], [status, ''], `${args.join(' ')}: ${ran.stderr}`);
    assert.match(ran.stderr, pattern);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
  }
  assert.equal(existsSync(configFile('contexts', 'broken.json')), false);
  assert.deepEqual(world.reports, []);
});
