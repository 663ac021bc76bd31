import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readSequence } from '#protocol/qlog/testing/schema.ts';
import { Pair } from '#protocol/quic/testing/pair.ts';
import { needsRoot } from '../testing/namespace.ts';
import { DEFAULT_QLOG_LIMITS, QlogRecorder, type QlogSettings } from './recorder.ts';

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'cloudbridge-qlog-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
};

const recording = (settings: Partial<QlogSettings> & { directory: string }) => {
  const failures: string[] = [];
  const recorder = new QlogRecorder((path, error) => failures.push(`${path} ${(error as NodeJS.ErrnoException).code}`));
  recorder.start({ ...DEFAULT_QLOG_LIMITS, format: 'sequential', ...settings });
  const pair = new Pair({ observe: (connection) => recorder.observe(connection) });
  return { recorder, pair, failures };
};

const transfer = (pair: Pair, bytes = 10_000): void => {
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  const before = pair.serverSinks.reduce((sum, sink) => sum + sink.bytesReceived, 0);
  client.write(client.openStream(true), new Uint8Array(bytes), true);
  assert.ok(pair.run(() => pair.serverSinks.reduce((sum, sink) => sum + sink.bytesReceived, 0) === before + bytes));
};

const events = (file: string) =>
  readSequence(readFileSync(file, 'utf8')) as { name?: string; data: { message?: string } }[];

test('a file for each end, that only its owner reads, complete when it stops', async (t) => {
  const directory = folder(t);
  const { recorder, pair, failures } = recording({ directory });
  transfer(pair);
  assert.equal(recorder.size, 2);
  await recorder.stop();
  const files = readdirSync(directory).sort();
  assert.deepEqual(
    files.map((file) => file.replace(/^[0-9a-f]{16}/, '')),
    ['_client.sqlog', '_server.sqlog'],
  );
  let bytes = 0;
  let records = 0;
  for (const file of files) {
    const path = join(directory, file);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const found = events(path);
    assert.ok(found.some(({ name }) => name === 'quic:packet_received'));
    bytes += statSync(path).size;
    records += found.length;
  }
  const { counters } = recorder;
  assert.deepEqual([counters.bytes, counters.records.written, recorder.size, failures], [bytes, records, 0, []]);
  assert.equal(pair.opened.parts.observer, undefined);
});

test('off, nothing is observed; on again, what is there gets a file beside its first', async (t) => {
  const directory = folder(t);
  const { recorder, pair } = recording({ directory });
  transfer(pair);
  await recorder.stop();
  assert.equal(recorder.observe(pair.opened), undefined);
  recorder.start({ ...DEFAULT_QLOG_LIMITS, format: '0.3', directory });
  recorder.watch(pair.opened);
  recorder.watch(pair.opened);
  await recorder.stop();
  const [, second] = readdirSync(directory)
    .filter((file) => file.includes('_client'))
    .sort()
    .reverse();
  assert.match(String(second), /_client-2\.sqlog$/);
  assert.match(readFileSync(join(directory, String(second)), 'utf8'), /"qlog_version":"0.3"/);
});

test('a connection has its bytes, and its last record says what did not fit', async (t) => {
  const directory = folder(t);
  const { recorder, pair } = recording({ directory, connectionBytes: 5000 });
  transfer(pair);
  await recorder.stop();
  const { records, bytes } = recorder.counters;
  assert.ok(records.connection_full > 0);
  for (const file of readdirSync(directory)) {
    const found = events(join(directory, file));
    assert.match(String(found.at(-1)?.data.message), /^\d+ events were left out/);
    assert.ok(statSync(join(directory, file)).size <= 5000 + 200);
  }
  assert.equal(
    records.written,
    readdirSync(directory).reduce((sum, file) => sum + events(join(directory, file)).length, 0),
  );
  assert.ok(bytes <= 2 * 5200);
});

test('all have their bytes together, then new connections are not logged', async (t) => {
  const directory = folder(t);
  const { recorder, pair } = recording({ directory, totalBytes: 6000 });
  transfer(pair, 100_000);
  assert.ok(recorder.counters.records.total_full > 0);
  await recorder.stop();
  assert.ok(recorder.counters.bytes <= 6000 + 2 * 200);
  recorder.start({ ...DEFAULT_QLOG_LIMITS, format: 'sequential', directory, totalBytes: 0 });
  transfer(new Pair({ observe: (connection) => recorder.observe(connection) }));
  assert.equal(recorder.counters.unlogged.total_full, 2);
  await recorder.stop();
});

test('so many at once, no more', async (t) => {
  const { recorder, pair } = recording({ directory: folder(t), connections: 1 });
  transfer(pair);
  assert.deepEqual([recorder.size, recorder.counters.unlogged.too_many], [1, 1]);
  await recorder.stop();
});

test('a disk that does not answer holds no more than the backlog', async (t) => {
  const directory = folder(t);
  const { recorder, pair } = recording({ directory });
  // Nothing is written before this thread is idle.
  transfer(pair, 12_000_000);
  const { records } = recorder.counters;
  assert.deepEqual([records.written, records.backlog > 0], [0, true]);
  await recorder.stop();
  const sizes = readdirSync(directory).map((file) => statSync(join(directory, file)).size);
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= (4 << 20) + 400);
});

/** What becomes of a log there. */
const inVain = async (directory: string, code: string): Promise<void> => {
  const { recorder, pair, failures } = recording({ directory });
  transfer(pair, 100_000);
  await recorder.stop();
  assert.equal(failures.length, 1, 'it is told once');
  assert.match(String(failures[0]), new RegExp(`^${directory}/.*_(client|server).sqlog ${code}$`));
  assert.ok(recorder.counters.records.failed > 0);
  assert.ok(recorder.counters.unlogged.failed > 0);
};

test('a directory that is not there, or is none, costs the log and nothing else', async (t) => {
  const directory = folder(t);
  await inVain(join(directory, 'missing'), 'ENOENT');
  writeFileSync(join(directory, 'file'), '');
  await inVain(join(directory, 'file'), 'ENOTDIR');
});

test('so does one that is full, or cannot be written', { skip: needsRoot }, async (t) => {
  const mounted = (options: string): string => {
    const directory = mkdtempSync(join(tmpdir(), 'cloudbridge-qlog-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
    t.after(() => {
      execFileSync('umount', [directory]);
      rmdirSync(directory);
    });
    return directory;
  };
  await inVain(mounted('size=16k'), 'ENOSPC');
  await inVain(mounted('ro'), 'EROFS');
});
