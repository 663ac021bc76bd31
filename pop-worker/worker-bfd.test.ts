import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import { FAST, Heard, startThread } from '#pop-worker/routing/bfd/testing/heard.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';
import { INTERNET4, needsNamespaces, World } from './testing/world.ts';

const OURS = '203.0.113.1';
const SECRET = 'a secret of both';
/** Detection Time, an interval that the last packet was early by, and what two busy CPUs take. */
const NOTICED_MS = 250;

/** A worker with a neighbour that has a session with it. */
const made = async (t: TestContext, lines = '', config: Partial<BfdSessionConfig> = {}) => {
  const world = new World(t);
  await world.network();
  const keyFile = path.join(world.folder, 'bfd.key');
  writeFileSync(keyFile, `${SECRET}\n`, { mode: 0o600 });
  const neighbour = `local = "${OURS}"\nremote = "${INTERNET4}"\ndevice = "out"`;
  await world.configure({ top: `[[bfd.neighbours]]\n${neighbour}\n${lines}` });
  const thread = startThread(t, { namespace: `/run/netns/${world.internetNamespace}` });
  const theirs = new Heard(thread, { ...FAST, local: INTERNET4, remote: OURS, ...config });
  const status = async () => ((await askWorker(world.socket, 'status')) as { readonly bfd: BfdStatus }).bfd;
  const bothUp = async (): Promise<void> => {
    await world.until('both are Up', async () => theirs.is(State.up) && (await status()).paths[0]?.state === 'up');
    await world.until('both go fast', () => theirs.stat('detectionTimeUs') === 150_000);
  };
  return { world, theirs, status, bothUp, keyFile };
};

test('a worker is Up with the neighbours of its file once it serves, and AdminDown when it ends', {
  skip: needsNamespaces,
}, async (t) => {
  const authentication = {
    type: 'meticulous_keyed_sha1',
    keys: [{ id: 7, secret: new TextEncoder().encode(SECRET) }],
  } as const;
  const lines = 'authentication = { type = "meticulous_keyed_sha1", keys = [{ id = 7, file = "bfd.key" }] }';
  const { world, theirs, status, bothUp } = await made(t, lines, { authentication });
  await world.startWorker();
  await bothUp();
  const { paths } = await status();
  assert.equal(paths.length, 1);
  const { sinceSeconds, ...path } = paths[0] as BfdStatus['paths'][number];
  assert.ok(sinceSeconds < 30);
  assert.deepEqual(path, {
    ...{ local: OURS, remote: INTERNET4, state: 'up', failures: 0 },
    ...{ transmitMs: 50, detectionMs: 150, diagnostic: 'no diagnostic', remoteDiagnostic: 'no diagnostic' },
  });
  await world.until(
    'it is counted',
    async () => (await world.metric('cloudbridge_bfd_sessions_count{state="up"}')) === 1,
  );
  assert.equal(await world.endWorker('SIGTERM'), 0);
  await world.until('the neighbour is told', () => theirs.changes.at(-1)?.to === State.down);
  const last = theirs.changes.find(({ from, to }) => from === State.up && to === State.down);
  assert.deepEqual([last?.remoteState, last?.remoteDiagnostic], [State.adminDown, Diagnostic.administrativelyDown]);
});

test('a data-plane thread that is stuck takes sessions Down, not AdminDown, until it beats again', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, theirs, status, bothUp } = await made(t);
  const file = path.join(world.folder, 'wedged');
  world.environment = { CBR_TEST_WEDGE: file };
  await world.startWorker(['--import', fileURLToPath(new URL('testing/wedge.ts', import.meta.url))]);
  await bothUp();
  writeFileSync(file, '');
  await world.until('the neighbour has it Down', () => theirs.stat('fromUp') === 1);
  await world.until('that is told', () => theirs.changes.at(-1)?.from === State.up);
  const { remoteState, remoteDiagnostic } = theirs.changes.at(-1) ?? {};
  assert.deepEqual([remoteState, remoteDiagnostic], [State.down, Diagnostic.forwardingPlaneReset]);
  rmSync(file);
  await bothUp();
  const { heldBy, paths } = await status();
  assert.deepEqual([heldBy, paths[0]?.failures], [undefined, 1]);
  assert.match(world.log.join(''), /BFD has all sessions down.*"thread":"data"/);
  assert.equal(await world.metric('cloudbridge_bfd_missed_beats_total{thread="data"}'), 1);
});

test('a worker that is killed is noticed by silence', { skip: needsNamespaces }, async (t) => {
  const { world, theirs, bothUp } = await made(t);
  await world.startWorker();
  await bothUp();
  const at = performance.now();
  await world.endWorker('SIGKILL');
  await world.until('the neighbour notices', () => theirs.changes.at(-1)?.to === State.down);
  assert.ok(performance.now() - at < NOTICED_MS, `${performance.now() - at} ms`);
  assert.equal(theirs.changes.at(-1)?.diagnostic, Diagnostic.detectionTimeExpired);
});

test('a key that others may read, or that does not fit, keeps the worker from starting', {
  skip: needsNamespaces,
}, async (t) => {
  const lines = 'authentication = { type = "simple_password", keys = [{ id = 7, file = "bfd.key" }] }';
  const { world, keyFile } = await made(t, lines);
  writeFileSync(keyFile, 'x'.repeat(17));
  await assert.rejects(
    world.startWorker(),
    /\[\[bfd\.neighbours\]\] 203\.0\.113\.10: .* 17 bytes: 1 to 16 are possible/,
  );
  rmSync(keyFile);
  writeFileSync(keyFile, 'secret', { mode: 0o644 });
  await assert.rejects(world.startWorker(), /the key of BFD .*bfd\.key.* chmod 600/);
});
