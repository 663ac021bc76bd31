import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { cache, isRoot, root } from '#scripts/setup/paths.mjs';
import { Journal } from './journal.ts';
import { isRunning } from './pids.ts';
import { LAB_STEPS } from './steps/registry.ts';

const skip = isRoot ? false : 'network namespaces need root';
const SPEED_UNITS: ReadonlySet<string> = new Set(['Mbit/s', 'ms', 'us']);
const launcher = path.join(root, 'cloudbridge');

/** A home of its own for each test, and a lab name that no other run uses. */
const setting = (t: TestContext, letter: string) => {
  const home = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  const name = `t${letter}${process.pid}`;
  const env = { ...process.env, CBR_HOME: home, CBR_CACHE: cache, NO_COLOR: '1' };
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

/** Starts `up --json` and resolves once it shows its endpoints. */
const bringUp = async (env: NodeJS.ProcessEnv, name: string, ...more: string[]) => {
  const child = spawn(launcher, ['up', '--quick', '--json', '--name', name, ...more], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('"endpoints"')) return child;
  }
  throw new Error(`up ended early: ${text}`);
};

test('up --once goes through the whole journey and leaves nothing', { skip }, (t) => {
  const { home, name, cloudbridge } = setting(t, 'a');
  const { status, stdout, stderr } = cloudbridge('up', '--once', '--json', '--name', name);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { suite: string; case: string; unit: string; pass?: boolean; bar?: number });
  for (const step of [...LAB_STEPS.map((each) => each.name), 'teardown', 'journey']) {
    assert.ok(
      lines.some((line) => line.suite === 'up' && line.case === step),
      `${step} is missing: ${stdout}${stderr}`,
    );
  }
  // How fast it is depends on what else the machine does; that is for `up` and `bench` to say, not for a test.
  const isSpeed = ({ unit }: { unit: string }) => SPEED_UNITS.has(unit);
  for (const line of lines.filter((each) => !isSpeed(each))) {
    assert.equal(line.pass, line.bar === undefined ? undefined : true, JSON.stringify(line));
  }
  if (lines.every((line) => line.pass !== false)) assert.equal(status, 0, stderr);
  assert.deepEqual(namespacesOf(name), []);
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
});

test('a second up beside the first is told the mend; down ends the first', { skip }, async (t) => {
  const { name, env, cloudbridge } = setting(t, 'b');
  const child = await bringUp(env, name, '--pops', '1');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const second = cloudbridge('up', '--once', '--quick', '--name', name);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /already up \(process \d+\): stop it with `cloudbridge down/);
  assert.equal(namespacesOf(name).length, 7, 'the refused one takes nothing of the first along');
  assert.match(cloudbridge('down', '--name', name).stdout, /is removed/);
  assert.equal(await ended, 0);
  assert.deepEqual(namespacesOf(name), []);
  assert.match(cloudbridge('down', '--name', name).stdout, /There was nothing/);
});

test('after SIGKILL its programs are gone, and down removes the rest', { skip }, async (t) => {
  const { home, name, env, cloudbridge } = setting(t, 'c');
  const child = await bringUp(env, name, '--pops', '1');
  const programs = new Journal(path.join(home, 'lab', `${name}.journal`))
    .read()
    .filter(({ kind }) => kind === 'process');
  assert.equal(programs.length, 15, 'the internet host, NATS, six copies, three balancers, a worker, three devices');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  assert.equal(namespacesOf(name).length, 7);
  assert.equal(cloudbridge('down', '--name', name).status, 0);
  assert.deepEqual(namespacesOf(name), []);
  assert.deepEqual(readdirSync(path.join(home, 'lab')), []);
  for (const program of programs) {
    assert.ok(
      program.kind === 'process' && !isRunning(program.pid, program.startTime),
      'no program of the lab is left',
    );
  }
});

test('up after a crash clears what was left and comes up', { skip }, async (t) => {
  const { name, env, cloudbridge } = setting(t, 'd');
  const child = await bringUp(env, name, '--pops', '1');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  assert.equal(cloudbridge('up', '--once', '--quick', '--name', name).status, 0);
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

test('without namespaces the journey runs over loopback', (t) => {
  const { name, cloudbridge } = setting(t, 'f');
  const { status, stdout } = cloudbridge('up', '--once', '--unprivileged', '--json', '--name', name);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /"case":"plain-http","metric":"download_v4"/);
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
