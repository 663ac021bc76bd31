import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createIssuer } from '#client/testing/edge-server.ts';
import { ClientProcess, Talking } from '#client/testing/world.ts';
import { ip, needsRoot, testNamespace } from '#host/testing/namespace.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { root } from '#scripts/setup/paths.mjs';

const NAME = 'www.edge.example';
const POPS = { near: '127.0.1.1', far: '127.0.1.2' } as const;
const NAME_SERVER = '127.0.0.53';
/** Has the program behind it resolve names by a server of ours; the mount ends with it. */
const WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';

/** Two PoPs and a DNS responder that knows them, on the loopback of a namespace. */
const madeWorld = async (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-names-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const { name: namespace } = testNamespace(t);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const start = (...[command, ...args]: readonly [string, ...string[]]): ChildProcess => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', namespace, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, CBR_HOME: folder },
    });
    children.push(child);
    return child;
  };
  const authority = createAuthority();
  const identity = authority.issue(NAME, [`DNS:${NAME}`]);
  const issuer = await createIssuer();
  const edge = async (address: string): Promise<ChildProcess> => {
    const child = start(process.execPath, path.join(root, 'client/testing/edge-server.ts'));
    child.send({ address, port: 443, jwks: issuer.jwks, allowLoopback: true, ...identity });
    await once(child, 'message');
    return child;
  };
  const cli = (...args: string[]): readonly [string, ...string[]] => [
    process.execPath,
    path.join(root, 'cli/main.ts'),
    ...args,
  ];
  const names = {
    listen: [`${NAME_SERVER}:53`],
    socket: path.join(folder, 'dns.sock'),
    pop: 'near',
    health: { port: 443, interval_ms: 100, fails: 2 },
    pops: Object.fromEntries(Object.entries(POPS).map(([pop, address]) => [pop, { addresses: [address] }])),
    zone: [{ domain: 'edge.example', name_servers: ['ns.example'], services: [NAME], ttl_seconds: 1 }],
  };
  const config = write('dns.json', JSON.stringify(names));
  const resolver = write('resolv.conf', `nameserver ${NAME_SERVER}\n`);
  const options = ['--ca', write('ca.pem', authority.pem), '--token-file', write('token', await issuer.token(2))];
  return {
    edge,
    responder: (): Talking => new Talking(start(...cli('dns', 'run', '--config', config))),
    connect: (...args: string[]): ClientProcess =>
      new ClientProcess(start('sh', '-c', WITH_RESOLVER, resolver, ...cli('connect', '--json', ...options, ...args))),
  };
};

test('a device that is told a name goes to the nearest PoP, to the next one when that is lost, and back', {
  skip: needsRoot,
}, async (t) => {
  const world = await madeWorld(t);
  const near = await world.edge(POPS.near);
  await world.edge(POPS.far);
  const responder = world.responder();
  await responder.said(/"message":"answering"/, 30_000);
  const client = world.connect('--server', `https://${NAME}`, '--forward', '0=127.0.0.1:9');
  const first = await client.line('connected', 1, 30_000);
  assert.equal(first['address'], `${POPS.near}:443`);
  near.kill('SIGKILL');
  const second = await client.line('connected', 2, 30_000);
  assert.equal(second['address'], `${POPS.far}:443`);
  await world.edge(POPS.near);
  await responder.said(/"pops":\[\]\}\n[\s\S]*"pops":\["near"\][\s\S]*"pops":\[\]/, 30_000);
  const another = world.connect('--server', `https://${NAME}`, '--forward', '0=127.0.0.1:9');
  assert.equal((await another.line('connected', 1, 30_000))['address'], `${POPS.near}:443`);
  assert.equal(await another.end(), 0);
  assert.equal(await client.end(), 0);
});
