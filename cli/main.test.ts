import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { root } from '#scripts/setup/paths.mjs';
import { VISIBLE } from './commands/registry.ts';
import { runCommandLine } from './run.ts';

const cloudbridge = (...args: string[]) => {
  const options = { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } } as const;
  const { status, stdout, stderr } = spawnSync(path.join(root, 'cloudbridge'), args, options);
  return { status, stdout, stderr };
};

/** Without a process of its own, where there are many. */
const inProcess = async (...args: string[]) => {
  const texts = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      texts[name] += text;
    },
  });
  const status = await runCommandLine(args, { stdout: sink('stdout'), stderr: sink('stderr') });
  return { status, ...texts };
};

test('help lists every command, and every command has help with an example', async () => {
  const { status, stdout } = cloudbridge('--help');
  assert.equal(status, 0);
  for (const { name } of VISIBLE) {
    const [word = '', ...more] = name.split(' ');
    assert.match(stdout, new RegExp(`^  ${word} .*\\b${more.join(' ')}\\b`, 'm'));
    const help = await inProcess(...name.split(' '), '--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, /^Usage\n {2}cloudbridge /m);
    assert.match(help.stdout, /^Examples\n {2}\S/m);
  }
});

test('without a command: the overview and exit 2', () => {
  const { status, stdout } = cloudbridge();
  assert.equal(status, 2);
  assert.match(stdout, /^Usage\n {2}cloudbridge COMMAND/m);
});

test('an unknown command is exit 2, one sentence, a suggestion', () => {
  const { status, stdout, stderr } = cloudbridge('dcotor');
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.equal(stderr, 'cloudbridge: Unknown command `dcotor`. Did you mean `doctor`? See `cloudbridge --help`.\n');
});

test('version tells ours and those of the runtime', () => {
  const line = JSON.parse(cloudbridge('version', '--json').stdout) as Record<string, string>;
  assert.match(line['cloudbridge']!, /^\d+\.\d+\.\d+$/);
  assert.match(line['node']!, /^24\./);
});

test('doctor reports every feature for programs, and fails exactly when up lacks something', () => {
  const { status, stdout } = cloudbridge('doctor', '--json');
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { state: string; neededBy: string; feature: string; mend?: string });
  assert.ok(rows.some(({ feature }) => feature === 'Node'));
  for (const row of rows) assert.ok(row.state === 'ok' || row.mend, `${row.feature} says what to do`);
  const lacking = rows.some(({ state, neededBy }) => state === 'missing' && neededBy === 'up');
  assert.equal(status, lacking ? 1 : 0);
  // What serves today is no matter of later.
  const later = rows.filter(({ neededBy }) => neededBy === 'later').map(({ feature }) => feature);
  assert.deepEqual(later, [
    'TUN with several queues',
    'routes by groups of nexthops, rules (Linux 5.3)',
    'BPF and XDP',
  ]);
});

test('doctor says what to install where `ip` is not, and never tells root to become root', () => {
  const { stdout } = spawnSync(process.execPath, [path.join(root, 'cli/main.ts'), 'doctor', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: '/nowhere' },
  });
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { feature: string; mend?: string });
  const ofIp = rows.filter(({ feature }) => /^TUN|^network namespaces/.test(feature));
  assert.equal(ofIp.length, 4);
  const mend = existsSync('/dev/net/tun') ? 'apt-get install iproute2' : 'modprobe tun';
  for (const row of ofIp) assert.equal(row.mend, row.feature.startsWith('TUN') ? mend : 'apt-get install iproute2');
  if (process.getuid?.() === 0) for (const row of rows) assert.doesNotMatch(row.mend ?? '', /as root/);
});

const AS_NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'] as const;
const asNobody = (...command: string[]) => spawnSync('setpriv', [...AS_NOBODY, ...command], { encoding: 'utf8' });
const needsNobody =
  (process.getuid?.() !== 0 && 'only root can become somebody else') ||
  (asNobody('test', '-x', path.join(root, 'cloudbridge')).status !== 0 && 'nobody else may read this clone');

test('doctor says what a worker has to do without where it is not root', { skip: needsNobody }, () => {
  const { stdout, stderr, status } = asNobody(path.join(root, 'cloudbridge'), 'doctor', '--json');
  assert.equal(stderr.includes('Unexpected failure'), false, stderr);
  const rows = stdout.trim().split('\n');
  const row = JSON.parse(rows.find((line) => line.includes('SO_RCVBUFFORCE')) ?? '{}');
  assert.equal(row.neededBy, 'up');
  const most = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
  if (most < 8 << 20) assert.match(`${row.found}, ${row.mend}`, /^up to \d+ bytes: a worker works, .*rmem_max=8388608/);
  else assert.equal(row.state, 'ok');
  assert.equal(status, 1);
  assert.match(stderr, /`up --unprivileged` does without namespaces/);
});

test('help about what is no command says so, as the command itself does', async () => {
  const help = await inProcess('help', 'dcotor');
  assert.deepEqual([help.status, help.stdout], [2, '']);
  assert.equal(
    help.stderr,
    'cloudbridge: Unknown command `dcotor`. Did you mean `doctor`? See `cloudbridge --help`.\n',
  );
  const member = await inProcess('help', 'worker', 'nosuch');
  assert.deepEqual([member.status, member.stdout], [2, '']);
  assert.match(member.stderr, /`worker` is followed by one of: .*/);
});

test('a group of commands has its help as each of them has', () => {
  for (const args of [
    ['worker', '--help'],
    ['help', 'worker'],
  ]) {
    const { status, stdout } = cloudbridge(...args);
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}worker run +\S/m);
    assert.doesNotMatch(stdout, /^ {2}serve /m);
  }
  const { status, stderr } = cloudbridge('worker');
  assert.equal(status, 2);
  assert.match(stderr, /`worker` is followed by one of: .*worker run, /);
});

test('bench and interop without a suite list the suites', () => {
  assert.match(cloudbridge('bench').stdout, /^lab {2}/m);
  assert.equal(cloudbridge('interop').status, 0);
  assert.equal(cloudbridge('bench', 'lba').status, 2);
});

test('up refuses what it cannot do before it does anything', () => {
  assert.equal(cloudbridge('up', '--pops', '9').status, 2);
  const { status, stderr } = cloudbridge('down', '--name', '../x');
  assert.equal(status, 1);
  assert.match(stderr, /^cloudbridge: `\.\.\/x` is no name for a lab/);
});
