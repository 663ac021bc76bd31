import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ip, needsRoot } from '#host/testing/namespace.ts';
import { testLink } from '#pop-worker/routing/bgp/testing/link.ts';
import { until } from '#pop-worker/routing/bgp/testing/side.ts';
import { askProgram } from '../admin/client.ts';

const MAIN = fileURLToPath(new URL('testing/run.ts', import.meta.url));
const root = { skip: needsRoot };

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly ended: Promise<number | null>;
}

/** Runs a speaker in a namespace, or in ours. */
const run = (t: TestContext, config: string, namespace?: string): Running => {
  const command = [process.execPath, MAIN, config];
  const [program = '', ...args] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  child.stderr.on('data', (bytes: Buffer) => lines.push(...bytes.toString().split('\n').filter(Boolean)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, lines, ended };
};

const folderOf = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bgp-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

interface Status {
  readonly neighbors: readonly { readonly name: string; readonly state: string; readonly sessions: number }[];
}

const statusOf = async (socket: string): Promise<Status | undefined> => {
  try {
    return (await askProgram('bgp', socket, 'status')) as Status;
  } catch {
    return undefined;
  }
};

test(
  'two programs, one with TOML and one with JSON: a session, its status, a change of the file, an end',
  root,
  async (t) => {
    const folder = folderOf(t);
    const file = (name: string): string => path.join(folder, name);
    const [a, b] = testLink(t);
    writeFileSync(file('key'), 'secret', { mode: 0o600 });
    const toml = `as = 64500
router_id = "192.0.2.1"
socket = "${file('one.sock')}"
[[originate]]
prefix = "198.51.100.0/24"
[[neighbor]]
name = "other"
address = "${b.address4}"
as = 64501
connect_retry_seconds = 1
md5_key_file = "key"
gtsm_hops = 1
export = "own"
`;
    writeFileSync(file('one.toml'), toml);
    const neighbor = {
      address: a.address4,
      as: 64500,
      connect_retry_seconds: 1,
      md5_key_file: 'key',
      gtsm_hops: 1,
      import: 'all',
    };
    const json = {
      metrics: '127.0.0.1:19179',
      as: 64501,
      router_id: '192.0.2.2',
      socket: file('two.sock'),
      neighbor: [neighbor],
    };
    writeFileSync(file('two.json'), JSON.stringify(json));
    const one = run(t, file('one.toml'), a.namespace);
    const two = run(t, file('two.json'), b.namespace);
    await until('a session', async () => (await statusOf(file('one.sock')))?.neighbors[0]?.state === 'established');
    assert.equal(statSync(file('one.sock')).mode & 0o777, 0o600);
    assert.equal((await statusOf(file('one.sock')))?.neighbors[0]?.name, 'other');
    const updates = async (): Promise<number> => {
      const status = (await askProgram('bgp', file('two.sock'), 'status')) as {
        neighbors: [{ received: { update: number } }];
      };
      return status.neighbors[0].received.update;
    };
    const curl = ['netns', 'exec', b.namespace, 'curl', '-sS', 'http://127.0.0.1:19179/metrics'];
    assert.match(ip(...curl), /^cloudbridge_bgp_neighbours_count\{state="established"\} 1$/m);
    await until('the route', async () => (await updates()) === 3);
    const explained = await askProgram('bgp', file('two.sock'), 'explain', { more: { prefix: '198.51.100.0/24' } });
    assert.match(
      JSON.stringify(explained),
      /"from":"192\.0\.2\.1","isBest":true,"explanation":\{"ruleSet":"all","accepted":true/,
    );
    await assert.rejects(
      askProgram('bgp', file('two.sock'), 'explain', { more: { prefix: 'x' } }),
      /a prefix is wanted/,
    );
    const nobody = askProgram('bgp', file('two.sock'), 'routes', { more: { from: 'x' } });
    await assert.rejects(nobody, /there is no neighbour x: there is 192\.0\.2\.1/);
    writeFileSync(file('one.toml'), toml.replace('198.51.100.0/24', '198.51.101.0/24'));
    one.child.kill('SIGHUP');
    await until('one goes, another comes', async () => (await updates()) === 5);
    assert.equal((await statusOf(file('one.sock')))?.neighbors[0]?.sessions, 1, 'the session stays');
    // A rule set comes, and goes for one of another name.
    const told = () => updates().then((count) => count - 5);
    for (const [name, count] of [
      ['first', 1],
      ['second', 2],
    ] as const) {
      const policed = toml
        .replace('export = "own"', `export = "${name}"`)
        .replace('198.51.100.0/24', '198.51.101.0/24');
      const set = `[[policy.rule_sets.${name}]]\nset = { med = ${count} }\nend = "accept"\n`;
      writeFileSync(file('one.toml'), policed + set);
      one.child.kill('SIGHUP');
      await until(`it is told by ${name}`, async () => (await told()) === count);
    }
    assert.equal((await statusOf(file('one.sock')))?.neighbors[0]?.sessions, 1, 'the session stays');
    writeFileSync(file('one.toml'), 'as = 0');
    one.child.kill('SIGHUP');
    await until('it is refused', () => one.lines.some((line) => line.includes('what was in force stays')));
    one.child.kill('SIGTERM');
    assert.equal(await one.ended, 0);
    await until('why', () => two.lines.some((line) => line.includes('received Cease, Administrative Shutdown')));
    assert.ok(![...one.lines, ...two.lines].some((line) => line.includes('secret')));
  },
);

test('what keeps it from starting is one line each', async (t) => {
  const folder = folderOf(t);
  const config = path.join(folder, 'x.toml');
  const linesOf = async (text: string): Promise<readonly [number | null, string[]]> => {
    writeFileSync(config, text);
    const { lines, ended } = run(t, config);
    const code = await ended;
    return [code, lines.map((line) => (JSON.parse(line) as { reason: string }).reason)];
  };
  const [code, reasons] = await linesOf('as = 0');
  assert.equal(code, 1);
  assert.equal(reasons.length, 2);
  assert.match(reasons[1] ?? '', /router_id is missing: add it/);
  const [, [taken]] = await linesOf('as = 1\nrouter_id = "1.1.1.1"\nlisten = ["203.0.113.77:1179"]');
  assert.match(taken ?? '', /EADDRNOTAVAIL.*: free 203\.0\.113\.77:1179, or change listen$/);
  // What was begun before it showed must not keep it alive.
  const [ended, [deaf]] = await linesOf(`as = 1
router_id = "1.1.1.1"
listen = ["203.0.113.77:1179"]
[[neighbor]]
address = "127.0.0.2"
as = 2
bfd_interval_ms = 50
`);
  assert.equal(ended, 1);
  assert.match(deaf ?? '', /EADDRNOTAVAIL/);
});

test('one that has started in part ends all the same when its metrics cannot be had', async (t) => {
  const folder = folderOf(t);
  const config = path.join(folder, 'x.toml');
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const socket = path.join(folder, 'x.sock');
  const lines = [
    'as = 1',
    'router_id = "1.1.1.1"',
    'listen = []',
    `socket = "${socket}"`,
    `metrics = "127.0.0.1:${port}"`,
  ];
  writeFileSync(config, lines.join('\n'));
  assert.equal(await run(t, config).ended, 1);
});
