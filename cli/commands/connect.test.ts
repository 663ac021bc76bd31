import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { createLocalWorld } from '#client/testing/local-world.ts';
import { type ClientProcess, createWorld as createNetWorld, EDGE4, until } from '#client/testing/world.ts';
import { ip, needsRoot } from '#host/testing/namespace.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { Browser } from '#services/auth/testing/browser.ts';
import { createWorld, type World } from '../testing/world.ts';

const SERVICES = '198.51.100.1';
const PASSWORD = 'correct horse battery';
let world: World;
let owner: { readonly id: string; readonly keyFile: string };
let config: string;

before(async () => {
  world = await createWorld();
  config = path.join(world.home, 'config');
  const { keyFile } = await world.account('robot', 'operator');
  owner = await world.account('owner');
  const { organisationId: organisation } = world.issuer.identity.settings;
  const olga = { userName: 'olga', displayName: 'Olga', organisation, roles: [] };
  const person = await world.issuer.admin.createPerson(olga, PASSWORD);
  for (const args of [
    ['login', '--server', world.api, '--service-account-key', keyFile, '--context', 'operator'],
    ['tenant', 'create', 'acme'],
    ['network', 'create', 'acme/office', '--ipv4-pool', '10.64.0.0/24'],
    ['device', 'create', 'acme/sensor', '--network', 'office', '--owner', owner.id, '--ipv4-address', '10.64.0.2'],
    ['device', 'create', 'acme/laptop', '--network', 'office', '--owner', person.id, '--ipv4-address', '10.64.0.3'],
    ['login', '--server', world.api, '--service-account-key', owner.keyFile, '--context', 'owner'],
  ]) {
    const { status, stderr } = await world.run(...args);
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  }
});
after(() => world.close());

/** An edge that takes the token service's tokens, and something behind it. */
const createEdge = async (t: TestContext) => {
  const edge = await createLocalWorld(t, { jwks: await world.popKeys(), issuer: world.tokenService });
  const echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  t.after(() => echo.close());
  const target = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
  const env = { CBR_CONFIG: config };
  const start = (...args: string[]): ClientProcess => edge.connect(['--forward', `0=${target}`, ...args], { env });
  return { edge, start };
};

/** A word through the tunnel and back. */
const echoes = async (client: ClientProcess): Promise<void> => {
  await client.line('connected');
  const { service } = await client.line('listening');
  const socket = connect(Number(/:(\d+) /.exec(`${service} `)?.[1]), '127.0.0.1');
  socket.write('hello');
  const [answer] = await once(socket, 'data');
  assert.equal(String(answer), 'hello');
  socket.destroy();
};

test('a device connects as who is signed in: by the current context, a named one, a key file', async (t) => {
  const { start } = await createEdge(t);
  for (const args of [
    ['--device', 'acme/sensor'],
    ['--device', 'acme/laptop', '--context', 'operator'],
    ['--device', 'acme/sensor', '--service-account-key', owner.keyFile, '--token-service', world.tokenService],
    ['--device', 'acme/sensor', '--service-account-key', owner.keyFile, '--context', 'operator'],
  ]) {
    const client = start(...args);
    await echoes(client);
    assert.equal(await client.end(), 0);
    assert.equal(client.errors, '', args.join(' '));
  }
});

test('a person signs in for this connection only', async (t) => {
  const { start } = await createEdge(t);
  const login = ['--login', '--browser', '--token-service', world.tokenService];
  const client = start('--device', 'acme/laptop', ...login);
  await until('the address of the sign-in', () => /or open \S+\n/.test(client.errors));
  const away = await new Browser().signIn(/or open (\S+)\n/.exec(client.errors)?.[1] ?? '', 'olga', PASSWORD);
  await fetch(away);
  await echoes(client);
  assert.equal(await client.end(), 0);
  assert.match((await world.run('context', 'list')).stdout, /^\* {2}owner/m, 'nothing of it is kept');
});

test('what keeps a device from its token is told in one sentence', async (t) => {
  const { start } = await createEdge(t);
  const port = await world.listenTls(createAuthority().issue('issuer', ['IP:127.0.0.1']));
  const context = JSON.parse(readFileSync(path.join(config, 'contexts', 'owner.json'), 'utf8'));
  const distrusted = { ...context, issuer: `https://127.0.0.1:${port}` };
  writeFileSync(path.join(config, 'contexts', 'distrusted.json'), JSON.stringify(distrusted));
  const by = ['--service-account-key', owner.keyFile];
  for (const [args, status, pattern] of [
    [['--device', 'sensor'], 2, /--device takes TENANT\/DEVICE, not `sensor`/],
    [['--device', 'acme/sensor', '--token-env', 'X'], 2, /Give --device or --token-env, not both/],
    [['--token-file', 'x', '--login'], 2, /--login needs --device/],
    [['--device', 'acme/sensor', '--browser'], 2, /--browser needs --login/],
    [['--device', 'acme/sensor', '--login', ...by], 2, /Give --login or --service-account-key, not both/],
    [['--device', 'acme/sensor', '--context', 'lost'], 1, /There is no context `lost`/],
    [
      ['--device', 'acme/sensor', '--token-service', 'http://127.0.0.1:9', ...by],
      1,
      /cannot be reached \(ECONNREFUSED\)/,
    ],
    [
      ['--device', 'acme/sensor', '--token-service', world.issuer.url, ...by],
      1,
      /does not tell who gives tokens for it/,
    ],
    [['--device', 'acme/sensor', '--context', 'distrusted'], 1, /is not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/],
    [['--device', 'acme/laptop'], 1, /The token for device laptop of tenant acme was refused: .*not yours\./],
    [['--device', 'acme/lost', '--context', 'operator'], 1, /"lost" does not exist/],
  ] as const) {
    const client = start(...args);
    await until('the end', () => client.exitCode !== undefined);
    assert.equal(client.exitCode, status, client.errors);
    assert.match(client.errors, pattern);
    assert.equal(client.errors.trimEnd().split('\n').length, 1, client.errors);
  }
});

test('a sign-in that ended is told; while the issuer is away it is waited for', async (t) => {
  const { start } = await createEdge(t);
  const context = JSON.parse(readFileSync(path.join(config, 'contexts', 'owner.json'), 'utf8'));
  const write = (name: string, changes: object, session: object): void => {
    writeFileSync(path.join(config, 'contexts', `${name}.json`), JSON.stringify({ ...context, ...changes }));
    writeFileSync(path.join(config, 'sessions', `${name}.json`), JSON.stringify(session));
  };
  const old = { accessToken: 'x', refreshToken: 'used up', expiresAtMs: 0, lifetimeMs: 1 };
  write('ended', { auth: { kind: 'person' } }, old);
  const ended = start('--device', 'acme/sensor', '--context', 'ended');
  await until('the end', () => ended.exitCode !== undefined);
  assert.equal(ended.errors, 'cloudbridge: The sign-in has ended: sign in again.\n');
  const gate = createHttpServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = request(`${world.issuer.url}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const { port } = gate.address() as AddressInfo;
  await new Promise((resolve) => gate.close(resolve));
  write('away', { connectTo: { [new URL(world.issuer.url).host]: `127.0.0.1:${port}` } }, {});
  const client = start('--device', 'acme/sensor', '--context', 'away');
  const { reason } = await client.line('retrying');
  assert.match(String(reason), /^asking http:\/\/127.* what it can do failed: .*ECONNREFUSED/);
  await new Promise<void>((resolve) => gate.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    gate.close();
    gate.closeAllConnections();
  });
  await echoes(client);
  assert.equal(await client.end(), 0);
});

/** Lets the services of this process be reached at an address of a namespace: sockets that are accepted there are handed over. */
const serveInNamespace = async (t: TestContext, namespace: string, address: string, services: readonly string[]) => {
  const script = `
    const net = require('node:net');
    for (const [i] of ${JSON.stringify(services)}.entries()) {
      const server = net.createServer({ pauseOnConnect: true }, (socket) => process.send(i, socket));
      server.listen(9000 + i, '${address}', () => process.send('ready'));
    }`;
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const sockets = new Set<Socket>();
  t.after(() => {
    child.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
  });
  let [ready, served] = [0, 0];
  child.on('message', (message, socket) => {
    if (message === 'ready') ready++;
    const accepted = socket as Socket | undefined;
    if (accepted === undefined) return;
    const { hostname, port } = new URL(services[message as number] ?? '');
    const onward = connect(Number(port), hostname);
    for (const each of [accepted, onward]) sockets.add(each.on('error', () => each.destroy()));
    accepted.on('data', () => served++);
    accepted.pipe(onward).pipe(accepted);
    accepted.resume();
  });
  await until('the listeners', () => ready === services.length);
  const connectTo = services.map((url, i): [string, string] => [new URL(url).host, `${address}:${9000 + i}`]);
  return { connectTo: Object.fromEntries(connectTo), served: () => served };
};

test('with everything in the tunnel the next token is got while the tunnel is down', { skip: needsRoot }, async (t) => {
  const net = await createNetWorld(t);
  // Reached by the default route alone.
  ip('-n', net.edge, 'address', 'add', `${SERVICES}/32`, 'dev', 'lo');
  const { connectTo, served } = await serveInNamespace(t, net.edge, SERVICES, [world.issuer.url, world.tokenService]);
  const context = JSON.parse(readFileSync(path.join(config, 'contexts', 'owner.json'), 'utf8'));
  writeFileSync(path.join(config, 'contexts', 'net.json'), JSON.stringify({ ...context, connectTo }));
  const tokens = { jwks: await world.popKeys(), issuer: world.tokenService };
  const edge = await net.startEdge(tokens);
  const before = await net.exec(net.client, 'ip', 'rule');
  const args = ['--server', `https://${EDGE4}`, '--device', 'acme/sensor', '--context', 'net'];
  const client = net.connect([...args, '--tun', 'cb0', '--default-route'], { env: { CBR_CONFIG: config } });
  await client.line('tunnel');
  edge.kill('SIGKILL');
  await client.line('disconnected');
  const soFar = served();
  // This edge knows no key: the client must ask for another token, without a tunnel, before it believes that.
  await net.startEdge({ ...tokens, jwks: JSON.stringify({ keys: [] }) });
  await until('the end', () => client.exitCode !== undefined, 20_000);
  assert.match(client.errors, /^cloudbridge: The edge refuses the token: .*\n$/);
  assert.ok(served() > soFar);
  assert.equal(await net.exec(net.client, 'ip', 'rule'), before);
});
