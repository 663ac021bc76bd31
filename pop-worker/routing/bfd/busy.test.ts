import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inNamespace, needsRoot } from '#host/testing/namespace.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { allocateSlots } from '#telemetry/slots.ts';
import { Beat } from './beat.ts';
import type { BfdNotice } from './messages.ts';
import { BfdRunner } from './runner.ts';
import { allocateTable } from './setup.ts';
import { FAST, Heard, startThread, until } from './testing/heard.ts';
import { testLink } from './testing/link.ts';
import { startPair } from './testing/pair.ts';

const BLOCKED_MS = 2000;
const INTERVAL_MS = 50;
/** What is alive meanwhile, so that each collection takes tens of milliseconds. */
const KEPT_OBJECTS = 300_000;

/** @param isDone is asked again and again, and sees what other threads write */
const collectedWhileBusy = (ms: number, isDone: () => boolean = () => false): number => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept = Array.from({ length: KEPT_OBJECTS }, (_, i) => ({ i, text: [i] }));
  let collections = 0;
  for (const end = performance.now() + ms; performance.now() < end && !isDone(); collections++) {
    kept[collections % kept.length] = { i: collections, text: [] };
    collect();
  }
  return collections;
};

test('a main thread that is busy for two seconds and collects garbage makes no session flap', {
  skip: needsRoot,
}, async (t) => {
  const { mine, theirs } = await startPair(t);
  const before = [mine, theirs].map((heard) => heard.stat('sent'));
  const collections = collectedWhileBusy(BLOCKED_MS);
  // Read before anything else could have run here.
  for (const [i, heard] of [mine, theirs].entries()) {
    assert.equal(heard.stat('state'), State.up);
    assert.equal(heard.stat('fromUp'), 0, 'it never was Down');
    assert.ok(heard.stat('sent') - (before[i] as number) >= BLOCKED_MS / INTERVAL_MS, 'it went on sending');
  }
  t.diagnostic(`${collections} collections in ${BLOCKED_MS} ms`);
  assert.ok(collections > 5);
});

test('a thread that is stuck takes all sessions Down, and not AdminDown, until it beats again', {
  skip: needsRoot,
}, async (t) => {
  const beat = new SharedArrayBuffer(8);
  const value = new Float64Array(beat);
  const timer = setInterval(() => value.fill(performance.now()), 20);
  t.after(() => clearInterval(timer));
  const { mine, theirs, threads } = await startPair(t, {
    watched: [{ thread: 'data', beat, limitMs: 200, lateMs: 5000 }],
  });
  clearInterval(timer);
  await until('the neighbour has it Down', () => theirs.stat('fromUp') === 1);
  // Not AdminDown: the neighbour is to act on it.
  await until('that is told', () => theirs.changes.at(-1)?.from === State.up);
  assert.equal(theirs.changes.at(-1)?.remoteState, State.down);
  assert.equal(theirs.changes.at(-1)?.remoteDiagnostic, Diagnostic.forwardingPlaneReset);
  assert.deepEqual([mine.stat('state'), mine.stat('held')], [State.down, 1]);
  await until('that is told', () => threads[0].heldBy.length === 1);
  const again = setInterval(() => value.fill(performance.now()), 20);
  t.after(() => clearInterval(again));
  await Promise.all([mine.up(), theirs.up()]);
  assert.deepEqual(threads[0].heldBy, ['data', undefined]);
});

test('a main thread that is stuck for longer than it may be does too', { skip: needsRoot }, async (t) => {
  const beat = new Beat();
  t.after(() => beat.close());
  const { mine, theirs } = await startPair(t, {
    watched: [{ thread: 'main', beat: beat.buffer, limitMs: 400, lateMs: 5000 }],
  });
  collectedWhileBusy(8000, () => mine.stat('fromUp') === 1 && theirs.stat('fromUp') === 1);
  assert.deepEqual([mine.stat('state'), mine.stat('fromUp'), theirs.stat('fromUp')], [State.down, 1, 1]);
  await Promise.all([mine.up(), theirs.up()]);
});

test('a thread that did not run for a while takes no neighbour for silent that was not', {
  skip: needsRoot,
}, async (t) => {
  const [a, b] = testLink(t);
  const notices: BfdNotice[] = [];
  const runner = inNamespace(
    a.path,
    () =>
      new BfdRunner(
        {
          slots: allocateSlots().buffer,
          table: allocateTable(),
          beat: new SharedArrayBuffer(8),
          watched: [],
          priority: 0,
        },
        false,
        (notice) => void notices.push(notice),
      ),
  );
  t.after(() => runner.close());
  const other = startThread(t, { namespace: b.path });
  const families = [
    [a.address4, b.address4],
    [a.address6, b.address6],
  ] as const;
  // The neighbours wait for a second, we for 150 ms.
  const theirs = families.map(([remote, local]) => new Heard(other, { ...FAST, local, remote }));
  for (const [id, [local, remote]] of families.entries()) {
    inNamespace(a.path, () => runner.handle({ type: 'open', id, config: { ...FAST, detectMult: 20, local, remote } }));
  }
  await Promise.all(theirs.map((heard) => heard.up()));
  await until('both go fast', () => [0, 1].every((i) => runner.bfd.at(i)?.detectionTimeUs === 150_000));
  for (const end = performance.now() + 500; performance.now() < end; );
  await until('it has looked', () => theirs.every((heard) => heard.stat('received') > 30));
  assert.ok([0, 1].every((i) => runner.bfd.at(i)?.stats[Stat.fromUp] === 0));
});
