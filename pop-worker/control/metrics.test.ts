import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { jetstreamManager } from '@nats-io/jetstream';
import { Bucket, ConfigKey, FLEET_MANIFEST } from '#model/names.ts';
import { buildRevision, type RevisionKey, signManifest } from '#model/revision.ts';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { MembershipSnapshotSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import {
  type Manifest,
  type RoutingConfigSchema,
  SignedManifestSchema,
  WorkerConfigSchema,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, LAYOUT, type Series } from '#telemetry/slots.ts';
import { Control } from './control.ts';
import { writeControlMetrics } from './metrics.ts';
import { loadStateFiles, saveStateFile } from './state-file.ts';

type Pair = { readonly privateKey: RevisionKey; readonly publicKey: RevisionKey };

let installation: TestInstallation;
let copy: Copy;
let folder: string;
let control: Control;
let [ours, strange]: Pair[] = [];
let share = 0;
const slots = allocateSlots();
const startedMs = Date.now();
const SERIES: readonly Series[] = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_control_'));

const makePair = async () => (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as Pair;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-seen-'));
  [ours, strange] = [await makePair(), await makePair()];
  control = await start(folder);
  await until('membership', () => control.membership.caughtUp);
});
after(async () => {
  await control?.close();
  await installation?.close();
  await rm(folder, { recursive: true, force: true });
});

const start = (stateDirectory: string, onError: (error: unknown) => void = () => undefined): Promise<Control> =>
  Control.start({
    servers: [installation.server.url],
    pop: 'moscow',
    worker: 'w1',
    stateDirectory,
    revisionKeys: new Map([['ours', (ours as Pair).publicKey]]),
    shareCut: () => share,
    statusEveryMs: 100,
    report: () => ({
      health: Health.SERVING,
      version: 'test',
      startTimeMs: startedMs,
      sessions: 0,
      packetsUp: 0n,
      packetsDown: 0n,
      packetsDropped: 0n,
    }),
    onError,
  });

const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(async () => (look() ? true : undefined), what);

/** The series of the control plane, as `/metrics` shows them now. */
const scrape = (nowMs = Date.now(), of = control): Map<string, number> => {
  writeControlMetrics(slots, of.view, startedMs, nowMs);
  const lines = exposition([slots], SERIES).split('\n');
  return new Map(
    lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [
        line.slice('cloudbridge_control_'.length, line.indexOf(' ')),
        Number(line.slice(line.indexOf(' '))),
      ]),
  );
};
const value = (series: string): number => scrape().get(series) ?? Number.NaN;
const refused = (reason: string): number => value(`refused_revisions_total{reason="${reason}"}`);

interface Order {
  readonly number: bigint;
  readonly pair?: Pair | undefined;
  readonly keyId?: string;
  readonly withChunks?: boolean;
  readonly change?: (manifest: Manifest) => unknown;
  readonly routing?: MessageInitShape<typeof RoutingConfigSchema>;
}

const build = (number: bigint, routing: Order['routing'] = {}) =>
  buildRevision({
    number,
    base: 0n,
    config: create(WorkerConfigSchema, { jwks: `{"keys":[],"n":${number}}`, tokenIssuer: 'iss', routing }),
    author: 'a',
    reason: 'r',
    nowMs: Date.now(),
    lifetimeMs: 3_600_000,
  });

const storeChunks = async (chunks: ReadonlyMap<string, Uint8Array>): Promise<void> => {
  for (const [key, value] of chunks) await copy.app.stores.chunks.commit([{ key, value }]);
};

/** Publishes a revision as a control plane would, or not quite so. */
const publish = async ({
  number,
  pair = ours,
  keyId = 'ours',
  withChunks = true,
  change,
  routing,
}: Order): Promise<void> => {
  const { manifest, chunks } = await build(number, routing);
  change?.(manifest);
  if (withChunks) await storeChunks(chunks);
  const signed = await signManifest(manifest, keyId, (pair as Pair).privateKey);
  await copy.app.stores.desired.commit([{ key: FLEET_MANIFEST, value: toBinary(SignedManifestSchema, signed) }]);
};

test('it is connected, and how old what it knows is shows', async () => {
  assert.equal(value('state_count{state="connected"}'), 1);
  assert.equal(value('state_count{state="disconnected"}'), 0);
  const before = control.contact.heardMs ?? 0;
  await until('a receipt', () => (control.contact.heardMs ?? 0) > before);
  const { heardMs = 0 } = control.contact;
  const { asOfMs = 0 } = control.membership;
  // Each looks at the clock when it hears of the receipt.
  assert.ok(asOfMs >= heardMs && asOfMs < heardMs + 1000, 'what is followed is as new as the last contact');
  const later = scrape(heardMs + 5000);
  assert.equal(later.get('last_contact_seconds'), 5);
  assert.equal(later.get('membership_age_seconds'), (heardMs + 5000 - asOfMs) / 1000);
});

test('the revision in force and how long it lasts', async () => {
  assert.deepEqual([value('revision_number'), value('revision_left_seconds')], [0, 0]);
  await publish({ number: 5n });
  await until('it is in force', () => value('revision_number') === 5);
  const left = value('revision_left_seconds');
  assert.ok(left > 3500 && left <= 3600, String(left));
  assert.ok((scrape(Date.now() + 7_200_000).get('revision_left_seconds') ?? 0) < 0);
});

test('each reason for which a revision is refused has its count', async () => {
  const cases: [string, Order][] = [
    ['untrusted_key', { number: 6n, keyId: 'strange' }],
    ['signature', { number: 6n, pair: strange }],
    ['older', { number: 4n }],
    ['too_large', { number: 6n, change: (manifest) => Object.assign(manifest, { size: 1n << 40n }) }],
    ['incomplete', { number: 7n, withChunks: false }],
  ];
  for (const [reason, order] of cases) {
    assert.equal(refused(reason), 0, reason);
    await publish(order);
    await until(`${reason} counts`, () => refused(reason) === 1);
    assert.match(control.view.contact.refusedRevision, /./);
  }
  await copy.app.stores.desired.commit([{ key: FLEET_MANIFEST, value: new Uint8Array([255, 255]) }]);
  await until('unreadable counts', () => refused('unreadable') === 1);
  const neighbors = [{ pop: 'moscow', id: 'transit', address: '198.51.100.1', importPolicy: 'in' }];
  const policies = [{ id: 'in', rules: [{ name: 'odd', end: 'discard' }] }];
  await publish({ number: 8n, routing: { neighbors, policies } });
  await until('policy counts', () => refused('policy') === 1);
  assert.match(
    control.view.contact.refusedRevision,
    /revision 8 is not taken: route policy "in" cannot be used: rules\[0\]/,
  );
  share = 1;
  await publish({ number: 8n });
  await until('cuts_sessions counts', () => refused('cuts_sessions') === 1);
  assert.match(control.view.contact.lastError, /revision 8 would cut 100 % of the sessions/);
  share = 0;
  assert.equal(value('revision_number'), 5);
});

test('a revision whose content cannot be fetched is tried again', async () => {
  const manager = await jetstreamManager(copy.nats);
  await manager.streams.delete(`KV_${Bucket.chunks}`);
  await publish({ number: 9n, withChunks: false });
  await until('unavailable counts', () => refused('unavailable') >= 1);
  await ensureStreams(copy.nats, { replicas: 1 });
  await storeChunks((await build(9n)).chunks);
  await until('it is in force without being published anew', () => value('revision_number') === 9);
  assert.equal(control.view.contact.refusedRevision, '');
});

test('a full disk shows, and the worker follows all the same; with room again it is written', {
  skip: needsSmallDisk,
}, async (t) => {
  const disk = smallDisk(t);
  disk.fill();
  const told: string[] = [];
  const directory = join(disk.folder, 'state');
  const full = await start(directory, (error) => told.push((error as Error).message));
  const now = (series: string): number => scrape(Date.now(), full).get(series) ?? Number.NaN;
  try {
    await until('the revision is in force', () => full.revisions.applied?.number === 9n);
    await until('membership could not be written', () => now('failed_writes_total{file="membership"}') > 0);
    assert.ok(now('failed_writes_total{file="revision"}') > 0);
    const { failingSinceMs = 0 } = full.revisions.kept;
    assert.ok((scrape(failingSinceMs + 60_000, full).get('unsaved_seconds') ?? 0) >= 60);
    assert.equal(full.membership.caughtUp, true);
    assert.equal(full.view.contact.lastError, told.at(-1));
    disk.makeRoom();
    await until('all of it is on disk', () => now('unsaved_seconds') === 0);
    for (const beginning of ['revision 9 is in force', 'what is known of devices is followed']) {
      const [only, ...more] = told.filter((text) => text.startsWith(`${beginning} but not on disk: `));
      assert.match(only ?? '', /, the disk is full \(ENOSPC\): make room on it; the worker serves on and tries again$/);
      assert.deepEqual(more, [], 'once');
    }
  } finally {
    await full.close();
  }
  for (const name of ['membership', 'revision'])
    assert.equal((await loadStateFiles(join(directory, name))).candidates.length, 1);
});

test('records that cannot be understood count', async () => {
  const key = ConfigKey.device('acme', 'x');
  await copy.app.stores.config.commit([{ key, value: new Uint8Array([255, 255, 255]) }]);
  await until('it counts', () => value('unreadable_records_total') === 1);
  assert.match(control.view.contact.lastError, /^record acme\.device\.x of cb_config cannot be read: /);
});

test('without NATS its absence, the age of what is known and lost events show; then the way back', async () => {
  assert.equal(value('reconnects_total'), 0);
  await installation.server.kill();
  await until('it notices', () => value('state_count{state="disconnected"}') === 1);
  assert.equal(value('state_count{state="connected"}'), 0);
  assert.equal(control.view.contact.lastError, 'the connection to NATS was lost: it is made again');
  const { asOfMs = 0 } = control.membership;
  assert.equal(scrape(asOfMs + 60_000).get('membership_age_seconds'), 60);
  assert.ok(control.contact.sinceMs >= (control.contact.heardMs ?? 0));
  for (let i = 0; i < 10_003; i++) control.status.connected({ tenant: 't', device: 'd', ipv4: '', ipv6: '' });
  assert.equal(value('lost_events_total'), 3);
  await installation.server.start();
  await until('it is back', () => value('state_count{state="connected"}') === 1);
  await until('membership is known as of now', () => (control.membership.asOfMs ?? 0) > asOfMs);
  assert.ok(value('reconnects_total') >= 1);
});

test('a worker without control plane says so', () => {
  writeControlMetrics(slots, undefined, startedMs, Date.now());
  assert.match(exposition([slots], SERIES), /^cloudbridge_control_state_count\{state="none"\} 1$/m);
});

test('what it starts with in place of a damaged file is counted, in the status, and told', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudbridge-damaged-'));
  t.after(() => rm(directory, { recursive: true }));
  const fallbacks = async (): Promise<[unknown, (number | undefined)[]]> => {
    const told: string[] = [];
    const of = await start(directory, (error) => told.push(String(error)));
    const seen = scrape(Date.now(), of);
    const counts = ['previous', 'nothing'].map((instead) =>
      seen.get(`state_fallback_count{file="membership",instead="${instead}"}`),
    );
    const { fallback } = of.view.disk.membership;
    await until('membership', () => of.membership.caughtUp);
    await of.close();
    assert.equal(
      told.some((text) => /membership is cut off or damaged/.test(text)),
      counts[0] === 1,
    );
    return [fallback, counts];
  };
  assert.deepEqual(await fallbacks(), [undefined, [0, 0]]);
  await saveStateFile(
    join(directory, 'membership'),
    toBinary(MembershipSnapshotSchema, create(MembershipSnapshotSchema)),
  );
  await writeFile(join(directory, 'membership'), '');
  assert.deepEqual(await fallbacks(), ['previous', [1, 0]]);
  for (const name of ['membership', 'membership.previous']) await writeFile(join(directory, name), '');
  assert.deepEqual(await fallbacks(), ['nothing', [0, 1]]);
});
