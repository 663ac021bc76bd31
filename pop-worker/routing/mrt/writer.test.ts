import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { writePeerIndex } from '#protocol/mrt/table-dump.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import type { MonitoredPeer } from '../bgp/monitored.ts';
import { keepNewest } from './folder.ts';
import type { MrtConfig } from './setup.ts';
import { recordsOf } from './testing/records.ts';
import { MOST_WAITING_BYTES } from './updates-file.ts';
import { MrtWriter } from './writer.ts';

const PEER: MonitoredPeer = {
  ...{ index: 1, name: 'one', port: 179, address: Uint8Array.of(192, 0, 2, 1), as: 64_500, localAs: 64_512 },
  ...{
    localAddress: Uint8Array.of(192, 0, 2, 2),
    localPorts: { in: 0, out: 0 },
    asBytes: 4,
    identifier: 1,
    negotiated: undefined,
  },
};
const MESSAGE = new Uint8Array(23);
const INDEX = writePeerIndex(5, { collector: 1, view: '', peers: [] });
const LIMIT_MS = 20_000;

const until = async (what: string, condition: () => boolean): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    assert.ok(performance.now() < end, `waited in vain: ${what}`);
    await wait(5);
  }
};

class Scene {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-mrt-'));
  readonly slots = allocateSlots();
  readonly troubles: string[] = [];
  table: Iterable<Uint8Array> = [INDEX, INDEX];
  readonly writer = new MrtWriter(this.slots, {
    table: () => this.table,
    trouble: (text) => this.troubles.push(text),
  });

  constructor(t: TestContext) {
    t.after(async () => {
      await this.writer.close();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  config(changed: Partial<MrtConfig> = {}): MrtConfig {
    const { folder: directory } = this;
    return { directory, tableS: 0, updates: true, rotateS: 3600, mostBytes: 1 << 30, keep: 10, ...changed };
  }

  async listening(changed: Partial<MrtConfig> = {}): Promise<void> {
    this.writer.set(this.config(changed));
    await until('a file', () => this.writer.isListening);
  }

  get files(): string[] {
    return readdirSync(this.folder).toSorted();
  }

  recordsIn(name: string | undefined): string[] {
    return recordsOf(path.join(this.folder, name ?? ''));
  }

  count(
    name: 'cloudbridge_mrt_dropped_records_total' | 'cloudbridge_mrt_failures_total' | 'cloudbridge_mrt_records_total',
  ): number {
    return this.slots[slotOf(name, {})] as number;
  }

  filesOf(kind: 'table' | 'updates'): number {
    return this.slots[slotOf('cloudbridge_mrt_files_total', { kind })] as number;
  }
}

test('a table is there as a whole or not at all', async (t) => {
  const scene = new Scene(t);
  const file = path.join(scene.folder, 'rib.mrt');
  writeFileSync(file, 'what was there before');
  assert.deepEqual(await scene.writer.dump(file), { file, records: 2, bytes: 2 * INDEX.length });
  assert.deepEqual(recordsOf(file), ['peers 0', 'peers 0']);
  scene.table = (function* () {
    yield INDEX;
    throw new Error('it breaks');
  })();
  await assert.rejects(scene.writer.dump(file), /it breaks/);
  assert.deepEqual([scene.files, recordsOf(file).length], [['rib.mrt'], 2], 'as it was');
  assert.deepEqual([scene.filesOf('table'), scene.count('cloudbridge_mrt_failures_total')], [1, 1]);
  assert.equal(statSync(file).mode & 0o007, 0, 'not for everybody');
});

test('what is no file is not replaced, and two tables at once are not written', async (t) => {
  const scene = new Scene(t);
  await assert.rejects(scene.writer.dump('/dev/null'), /\/dev\/null is there and is no file: name another one/);
  await assert.rejects(scene.writer.dump(path.join(scene.folder, 'none', 'x')), {
    message: `${path.join(scene.folder, 'none', 'x')} cannot be written, its folder is not there (ENOENT): make that or name another place`,
  });
  const first = scene.writer.dump(path.join(scene.folder, 'a'));
  await assert.rejects(scene.writer.dump(path.join(scene.folder, 'b')), /another table is being written/);
  await first;
  assert.deepEqual(scene.files, ['a']);
});

test('UPDATEs and changes of state go into a file that has its name once it is closed', async (t) => {
  const scene = new Scene(t);
  await scene.listening();
  assert.match(scene.files.join(), /^updates\.\d{8}\.\d{6}\.mrt\.part$/);
  scene.writer.changed(PEER, 4, 5);
  scene.writer.updated(PEER, MESSAGE, false);
  scene.writer.updated({ ...PEER, asBytes: 2 }, MESSAGE, true);
  await scene.writer.close();
  assert.match(scene.files.join(), /^updates\.\d{8}\.\d{6}\.mrt$/);
  assert.deepEqual(scene.recordsIn(scene.files[0]), ['5 to 6', 'message 23', 'message 23']);
  scene.writer.updated(PEER, MESSAGE, false);
  assert.deepEqual([scene.count('cloudbridge_mrt_records_total'), scene.filesOf('updates')], [3, 1]);
});

test('a full file is followed by another, with nothing lost between, and the oldest go', async (t) => {
  const scene = new Scene(t);
  await scene.listening({ mostBytes: 100, keep: 3 });
  for (let i = 0; i < 50; i++) {
    scene.writer.updated(PEER, MESSAGE, false);
    await wait(1);
  }
  await scene.writer.close();
  const { files } = scene;
  assert.equal(files.length, 3);
  assert.ok(scene.filesOf('updates') > 3);
  assert.equal(scene.count('cloudbridge_mrt_records_total'), 50);
  for (const file of files) assert.ok(scene.recordsIn(file).every((line) => line === 'message 23'));
});

test('what a run before has left is finished: UPDATEs stay, half a table goes, files of others are let be', async (t) => {
  const scene = new Scene(t);
  const names = ['updates.20260101.000000.mrt.part', 'rib.20260101.000000.mrt.part', 'mine.part', 'updates.x.mrt'];
  for (const name of names) writeFileSync(path.join(scene.folder, name), '');
  await scene.listening();
  assert.deepEqual(
    scene.files.filter((name) => !/^updates\.2\d{7}\.\d{6}\.mrt\.part$/.test(name)),
    ['mine.part', 'updates.20260101.000000.mrt', 'updates.x.mrt'],
  );
  await keepNewest(scene.folder, 'updates', 0);
  assert.ok(scene.files.includes('updates.x.mrt'));
});

test('the newest of one second stay too', async (t) => {
  const scene = new Scene(t);
  for (const name of ['1.000000', '1.000000-2', '1.000000-10', '1.000001'])
    writeFileSync(path.join(scene.folder, `rib.2026010${name}.mrt`), '');
  await keepNewest(scene.folder, 'rib', 2);
  assert.deepEqual(scene.files, ['rib.20260101.000000-10.mrt', 'rib.20260101.000001.mrt']);
});

test('what the disk has no time for is dropped and counted; memory stays bounded', async (t) => {
  const scene = new Scene(t);
  await scene.listening();
  const large = new Uint8Array(60_000);
  const most = Math.ceil(MOST_WAITING_BYTES / large.length) + 10;
  for (let i = 0; i < most; i++) scene.writer.updated(PEER, large, false);
  const dropped = scene.count('cloudbridge_mrt_dropped_records_total');
  assert.ok(dropped >= 10, `${dropped}`);
  assert.equal(scene.writer.status()?.dropped, dropped);
  await scene.writer.close();
  assert.equal(scene.recordsIn(scene.files[0]).length, most - dropped);
});

test('a folder that is not there is told of, and BGP goes on', async (t) => {
  const scene = new Scene(t);
  const directory = path.join(scene.folder, 'later');
  scene.writer.set(scene.config({ directory }));
  await until('trouble', () => scene.troubles.length > 0);
  const fault = `no MRT file can be written in ${directory}, its folder is not there (ENOENT): make that or name another place`;
  assert.equal(scene.writer.status()?.lastError, fault);
  scene.writer.updated(PEER, MESSAGE, false);
  mkdirSync(directory);
  scene.writer.set(scene.config({ directory }));
  await until('a file', () => scene.writer.isListening);
  assert.deepEqual(scene.troubles, [fault], 'once');
  assert.equal(scene.count('cloudbridge_mrt_failures_total'), 1);
  assert.equal(scene.writer.status()?.lastError, undefined, 'that is over');
});
