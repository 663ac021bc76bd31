import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { cache, isRoot, root } from '#scripts/setup/paths.mjs';
import { until } from './command.ts';
import { Journal } from './journal.ts';
import { listeningOn } from './listeners.ts';
import { isRunning, runningGroups } from './pids.ts';
import { LAB_STEPS, LOOPBACK_STEPS } from './steps/registry.ts';
import { deviceOf, WIREGUARD_SOCKETS } from './wireguard/client.ts';

const skip = isRoot ? false : 'network namespaces need root';
const SPEED_UNITS: ReadonlySet<string> = new Set(['Mbit/s', 'ms', 'us']);
const launcher = path.join(root, 'cloudbridge');

/** Tests share two cores with others, where BFD's 150 ms take PoPs for dead: `npm start` and `bench` have BGP. */
const STATIC = ['--static-routes'];

/** A home of its own for each test, and a lab name that no other run uses. */
const setting = (t: TestContext, letter: string) => {
  const home = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  const name = `t${letter}${process.pid}`;
  const env = {
    ...process.env,
    CBR_HOME: home,
    CBR_CONFIG: path.join(home, 'config'),
    CBR_CACHE: cache,
    NO_COLOR: '1',
  };
  const cloudbridge = (...args: string[]) => spawnSync(launcher, args, { encoding: 'utf8', env });
  t.after(() => {
    cloudbridge('down', '--name', name);
    rmSync(home, { recursive: true });
  });
  return { home, name, env, cloudbridge };
};

const namespacesOf = (name: string): string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.startsWith(`${name}-`));

/** A line of `up --json`. */
interface Line {
  readonly suite?: string;
  readonly case?: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly pass?: boolean;
  readonly bar?: number;
  readonly skipped?: string;
  readonly endpoints?: readonly { readonly label: string; readonly value: string }[];
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** How fast it is depends on what else the machine does; that is for `up` and `bench` to say, not for a test. */
const isOfSpeed = ({ unit = '', metric }: Line): boolean => SPEED_UNITS.has(unit) || metric === 'failed_steps';
const assertWent = (lines: readonly Line[], status: number | null): void => {
  for (const line of lines.filter((each) => !isOfSpeed(each)))
    assert.equal(line.pass, line.bar === undefined ? undefined : true, JSON.stringify(line));
  if (lines.every((line) => line.pass !== false)) assert.equal(status, 0);
};

const quietly = (env: NodeJS.ProcessEnv) => ({
  env,
  stdio: ['ignore', 'pipe', 'inherit'] as ['ignore', 'pipe', 'inherit'],
});

/** Resolves once `up --json` shows its endpoints. */
const untilUp = async (child: ReturnType<typeof spawn>) => {
  let text = '';
  for await (const chunk of child.stdout!.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('"endpoints"')) return { child, lines: linesOf(text) };
  }
  throw new Error(`up ended early: ${text}`);
};

/** Starts `up` and resolves once it is up. */
const bringUp = async (env: NodeJS.ProcessEnv, name: string, ...more: string[]) => {
  const up = spawn(launcher, ['up', '--quick', '--json', ...STATIC, '--name', name, ...more], quietly(env));
  return (await untilUp(up)).child;
};

/** Programs of a lab that is up. */
const programsOf = (home: string, name: string) =>
  new Journal(path.join(home, 'lab', `${name}.journal`)).read().filter((entry) => entry.kind === 'process');

test('up --once goes through the whole journey and leaves nothing', { skip }, (t) => {
  const { home, name, cloudbridge } = setting(t, 'a');
  const { status, stdout, stderr } = cloudbridge('up', '--once', '--json', ...STATIC, '--name', name);
  const lines = linesOf(stdout);
  assertWent(lines, status);
  for (const step of [...LAB_STEPS.map((each) => each.name), 'teardown', 'journey']) {
    assert.ok(
      lines.some((line) => line.suite === 'up' && line.case === step),
      `${step} is missing: ${stdout}${stderr}`,
    );
  }
  assert.deepEqual(namespacesOf(name), []);
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
  const sockets = existsSync(WIREGUARD_SOCKETS) ? readdirSync(WIREGUARD_SOCKETS) : [];
  for (const host of ['client4', 'client5'])
    assert.ok(!sockets.includes(`${deviceOf(name, host)}.sock`), 'what wireguard-go listens on is gone');
});

test('a second up beside the first is told the mend; down ends the first', { skip }, async (t) => {
  const { name, env, cloudbridge } = setting(t, 'b');
  const child = await bringUp(env, name, '--pops', '1');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const second = cloudbridge('up', '--once', '--quick', ...STATIC, '--name', name);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /already up \(process \d+\): stop it with `cloudbridge down/);
  assert.equal(namespacesOf(name).length, 9, 'the refused one takes nothing of the first along');
  assert.match(cloudbridge('down', '--name', name).stdout, /is removed/);
  assert.equal(await ended, 0);
  assert.deepEqual(namespacesOf(name), []);
  assert.match(cloudbridge('down', '--name', name).stdout, /There was nothing/);
});

test('after SIGKILL its programs are gone, and down removes the rest', { skip }, async (t) => {
  const { home, name, env, cloudbridge } = setting(t, 'c');
  const child = await bringUp(env, name, '--pops', '1');
  const programs = programsOf(home, name);
  assert.equal(
    programs.length,
    21,
    'the internet host, NATS, eight copies, four balancers, a forwarder, a worker, two gateways, three devices',
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  // What a program started, such as workerd, goes too, with nobody to clean up.
  await until('all are gone', 5000, () => runningGroups(programs.map(({ pid }) => pid)).length === 0);
  assert.equal(namespacesOf(name).length, 9);
  assert.equal(cloudbridge('down', '--name', name).status, 0);
  assert.deepEqual(namespacesOf(name), []);
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
  assert.ok(!existsSync(path.join(home, 'connect')), 'what the devices would undo is gone with their namespaces');
  for (const { pid, startTime } of programs) assert.ok(!isRunning(pid, startTime), 'no program of the lab is left');
});

test('up after a crash clears what was left and comes up', { skip }, async (t) => {
  const { name, env, cloudbridge } = setting(t, 'd');
  const child = await bringUp(env, name, '--pops', '1');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const { stdout, status } = cloudbridge('up', '--once', '--quick', '--json', ...STATIC, '--name', name);
  assertWent(linesOf(stdout), status);
  assert.deepEqual(namespacesOf(name), []);
});

test('SIGTERM in the stay-up state ends cleanly with exit 0', { skip }, async (t) => {
  const { name, env } = setting(t, 'e');
  const child = await bringUp(env, name, '--pops', '2');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.deepEqual(namespacesOf(name), []);
});

// Whoever runs the test, what it starts has no capability, only its user's files.
const BARE = isRoot ? ['--bounding-set', '-all', '--inh-caps', '-all'] : [];

test('without any privilege the same journey runs over loopback, and down ends it', async (t) => {
  const { home, name, env, cloudbridge } = setting(t, 'f');
  const up = ['up', '--unprivileged', '--json', '--pops', '2', '--name', name];
  const { child, lines } = await untilUp(spawn('setpriv', [...BARE, '--', launcher, ...up], quietly(env)));
  for (const { name: step, needsNamespaces } of LOOPBACK_STEPS) {
    const its = lines.filter((line) => line.case === step);
    assert.ok(its.length > 0, `${step} is missing`);
    assert.equal(its[0]?.skipped, needsNamespaces);
    for (const line of its.filter((each) => !isOfSpeed(each))) assert.notEqual(line.pass, false, JSON.stringify(line));
  }
  const { endpoints = [] } = lines.at(-1) ?? {};
  const [, host = '', port = ''] =
    /^([\d.]+):(\d+)$/.exec(endpoints.find(({ label }) => /laptop/.test(label))?.value ?? '') ?? [];
  const block = host.slice(0, host.lastIndexOf('.') + 1);
  assert.ok(listeningOn(block).includes(`${host}:${port}/tcp`));
  const programs = programsOf(home, name);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  assert.match(cloudbridge('down', '--name', name).stdout, /is removed/);
  assert.equal(await ended, 0);
  assert.deepEqual(listeningOn(block), []);
  for (const { pid, startTime } of programs) assert.ok(!isRunning(pid, startTime), 'no program of the lab is left');
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
});

test('namespaces of somebody else are not touched', { skip }, (t) => {
  const { name, cloudbridge } = setting(t, 'g');
  const foreign = `${name}-moscow`;
  assert.equal(spawnSync('ip', ['netns', 'add', foreign]).status, 0);
  t.after(() => spawnSync('ip', ['netns', 'delete', foreign]));
  const { status, stderr } = cloudbridge('up', '--once', '--name', name);
  assert.equal(status, 1);
  assert.match(stderr, /exists and is not of this clone's making/);
  assert.doesNotMatch(stderr, /Still there/);
  assert.deepEqual(namespacesOf(name).length, 1);
});
