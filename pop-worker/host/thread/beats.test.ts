import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateBeat } from '#host/thread/beat.ts';
import { Beats, type ThreadKind, type WatchedThread } from './beats.ts';

const MS = 1000;
const LIMIT_MS = 300;
const LATE_MS = 2000;
/** Of its time, where a thread waits for a core. */
const WAITING = 0.9;

/** Threads that beat when told to, and time that passes in looks. */
const watch = (...threads: readonly ThreadKind[]) => {
  const watched: WatchedThread[] = threads.map((thread) => ({
    thread,
    beat: allocateBeat(),
    limitMs: LIMIT_MS,
    lateMs: LATE_MS,
  }));
  const values = watched.map(({ beat }) => new Float64Array(beat));
  let now = 5e6;
  /** Microseconds that each thread has waited for a core, by the kernel's number of it: one more than its index. */
  const waited = watched.map(() => 0);
  for (const [i, value] of values.entries()) [value[0], value[1]] = [1, i + 1];
  const beats = new Beats(watched, now, (thread) => ({
    totalUs: () => waited[thread - 1] as number,
    close: () => {},
  }));
  /** Looks for so long, while these threads beat. @returns who was found silent, with the milliseconds it took */
  const pass = (ms: number, alive: readonly number[], waiting: readonly number[] = []): string[] => {
    const found: string[] = [];
    for (const start = now; now < start + ms * MS; ) {
      now += beats.periodUs;
      for (const i of waiting) (waited[i] as number) += beats.periodUs * WAITING;
      for (const i of alive) values[i]?.fill(now, 0, 1);
      const silent = beats.look(now);
      if (silent !== undefined) found.push(`${silent.thread} ${(now - start) / MS}`);
    }
    return found;
  };
  return { beats, pass, sleep: (ms: number) => (now += ms * MS), look: () => beats.look(now) };
};

test('a thread that does not beat is found once its limit has passed, and once', () => {
  const { beats, pass } = watch('main', 'data');
  assert.equal(beats.periodUs, (LIMIT_MS * MS) / 4);
  assert.deepEqual(pass(2000, [0, 1]), []);
  assert.deepEqual(pass(2000, [0]), ['data 375']);
  assert.equal(beats.missing?.thread, 'data');
});

test('all must have beaten for a second before it is over', () => {
  const { beats, pass } = watch('main', 'data');
  pass(1000, [0]);
  assert.deepEqual(pass(500, [0, 1]), []);
  assert.equal(beats.missing?.thread, 'data');
  assert.deepEqual(pass(400, [0]), [], 'silent again: it is still not over');
  pass(900, [0, 1]);
  assert.equal(beats.missing?.thread, 'data');
  pass(300, [0, 1]);
  assert.equal(beats.missing, undefined);
  assert.equal(pass(1000, [1]).length, 1, 'and another time');
});

test('a time in which this thread itself did not run counts for nobody', () => {
  const { pass, sleep, look } = watch('data');
  pass(1000, [0]);
  sleep(60_000);
  assert.equal(look(), undefined);
  assert.deepEqual(pass(200, []), []);
  assert.equal(pass(1000, []).length, 1);
});

test('the clock of who beats does not matter', () => {
  const beat = new SharedArrayBuffer(8);
  const value = new Float64Array(beat);
  const beats = new Beats([{ thread: 'main', beat, limitMs: LIMIT_MS, lateMs: LATE_MS }], 0);
  for (let now = 0; now < 5e6; now += beats.periodUs) {
    value[0] = 1e12 - now;
    assert.equal(beats.look(now), undefined);
  }
});

test('without threads to watch there is nothing to find', () => {
  const { beats, pass } = watch();
  assert.equal(beats.periodUs, 100 * MS);
  assert.deepEqual(pass(5000, []), []);
});

test('a thread that waits for a core is late, and counted, but not stuck, until the longer limit', () => {
  const { beats, pass } = watch('main', 'data');
  pass(1000, [0, 1], [1]);
  assert.deepEqual(pass(1500, [0], [1]), []);
  assert.deepEqual(beats.late, { main: 0, data: 1, bgp: 0 });
  assert.deepEqual(pass(1000, [0], [1]), ['data 525']);
  assert.equal(beats.isLate, true);
  assert.deepEqual(beats.late, { main: 0, data: 1, bgp: 0 }, 'it is one time');
});

test('a thread that stops to wait and does nothing is found by the time that it did not wait', () => {
  const { beats, pass } = watch('data');
  pass(1000, [0], [0]);
  assert.deepEqual(pass(900, [], [0]), []);
  // A tenth of the first 900 ms counts, too.
  assert.deepEqual(pass(1000, []), ['data 225']);
  assert.equal(beats.isLate, false);
});

test('what a thread waited before it beat, or while this thread did not run, is no excuse', () => {
  const { pass, sleep, look } = watch('data');
  pass(5000, [0], [0]);
  assert.equal(pass(2000, []).length, 1);
  pass(2000, [0]);
  sleep(60_000);
  look();
  assert.deepEqual(pass(375, []), ['data 300'], 'one period of it counts');
});

test('how long the thread waited that waited most can be asked', () => {
  const { beats, pass } = watch('main', 'data');
  pass(300, [0, 1], [0]);
  const waits = beats.waits(0);
  pass(300, [0, 1], [1]);
  assert.equal(Math.round(waits(0)), 300 * MS * WAITING);
});

test('a thread that has not begun is not silent', () => {
  const watched = [{ thread: 'data', beat: allocateBeat(), limitMs: LIMIT_MS, lateMs: LATE_MS } as const];
  const beats = new Beats(watched, 0, () => undefined);
  for (let now = 0; now < 10e6; now += beats.periodUs) assert.equal(beats.look(now), undefined);
});
