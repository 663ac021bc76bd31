import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocateFence, Fence, FenceKeeper } from '#dataplane/fence.ts';
import { allocateBeat } from '#host/thread/beat.ts';
import { Serving } from './serving.ts';

const MS = 1000;
const watched = (beat: SharedArrayBuffer) => ({ thread: 'data', beat, limitMs: 250, lateMs: 1000 }) as const;

const scene = () => {
  const beats = [allocateBeat(), allocateBeat()];
  let waited = 0;
  const values = beats.map((beat) => new Float64Array(beat));
  const memory = allocateFence(2);
  const fences = [new Fence(memory, 0, () => 0), new Fence(memory, 1, () => 0)];
  for (const value of values) [value[0], value[1]] = [1, 7];
  const serving = new Serving(
    {
      watched: beats.map(watched),
      fence: new FenceKeeper(memory),
      waitsOf: () => ({ totalUs: () => waited, close: () => {} }),
    },
    0,
  );
  let now = 0;
  /** Time passes while these threads beat. */
  const pass = (ms: number, ...beating: readonly number[]): boolean => {
    let serves = true;
    for (let i = 0; i < ms; i += 20) {
      now += 20 * MS;
      for (const thread of beating) (values[thread] as Float64Array)[0] = now;
      serves = serving.look(now);
    }
    return serves;
  };
  const sleep = (ms: number): boolean => {
    now += ms * MS;
    return serving.look(now);
  };
  const starve = (ms: number): void => {
    waited += ms * MS;
  };
  return { fences, pass, sleep, starve };
};

test('a worker serves until one of its threads hangs, and again once all have ended what they had', () => {
  const { fences, pass } = scene();
  assert.equal(pass(1000, 0, 1), true);
  assert.deepEqual(
    fences.map(({ isDown }) => isDown),
    [false, false],
  );
  assert.equal(pass(240, 0), true);
  assert.equal(pass(60, 0), false);
  assert.deepEqual(
    fences.map(({ isDown }) => isDown),
    [true, true],
  );
  fences[0]?.obey(() => {});
  assert.equal(pass(500, 0, 1), false, 'the one that hung has not obeyed');
  let ended = false;
  fences[1]?.obey(() => (ended = true));
  assert.ok(ended);
  assert.equal(pass(1000, 0, 1), true, 'all have beaten for a second');
  assert.deepEqual(
    fences.map(({ isDown }) => isDown),
    [false, false],
  );
});

test('a thread that has not begun does not hang', () => {
  const memory = allocateFence(1);
  const serving = new Serving(
    { watched: [watched(allocateBeat())], fence: new FenceKeeper(memory), waitsOf: () => undefined },
    0,
  );
  for (let now = 0; now < 2000 * MS; now += 20 * MS) assert.equal(serving.look(now), true);
});

test('a thread that waits for a processor gets more time, but no more than it may be late', () => {
  const { fences, pass, starve } = scene();
  pass(100, 0, 1);
  for (let i = 0; i < 9; i++) {
    starve(90);
    assert.equal(pass(100, 0), true, `${i}`);
  }
  starve(90);
  assert.equal(pass(160, 0), false);
  assert.equal(fences[0]?.isDown, true);
});

test('a machine that slept has no threads that hang', () => {
  const { fences, pass, sleep } = scene();
  pass(100, 0, 1);
  assert.equal(sleep(60_000), true);
  assert.equal(pass(180, 0, 1), true);
  assert.equal(fences[0]?.isDown, false);
});
