import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOf, Paths } from './paths.ts';
import { Scene } from './testing/scene.ts';
import { UNREACHABLE_COST } from './wire/vector.ts';

const SECOND = 1_000_000;

/** Ways from here by their costs, changed as a test goes on. */
const made = (costs: Record<number, number>) => ({
  costs,
  paths: new Paths((member) => costs[member] ?? UNREACHABLE_COST),
});

test('cost: the round trip, the more the more is lost', () => {
  assert.equal(costOf(50_000, 0), 500);
  assert.equal(costOf(50_000, 0.5), 4000);
  assert.equal(costOf(undefined, 0), UNREACHABLE_COST);
  assert.equal(costOf(50_000, 1), UNREACHABLE_COST);
  assert.equal(costOf(9_000_000, 0.9), UNREACHABLE_COST - 1);
});

test('a third member has to be better by a fifth and 2 ms, for 2 s', () => {
  const { costs, paths } = made({ 2: 1000, 3: 100 });
  paths.setVector(3, new Map([[2, 700]]), 0);
  assert.equal(paths.choose(2, 0), false, '805 is not better than 1000 by a fifth');
  paths.setVector(3, new Map([[2, 690]]), 0);
  assert.equal(paths.choose(2, 0), false);
  assert.equal(paths.choose(2, 2 * SECOND - 1), false);
  assert.equal(paths.via(2, 2 * SECOND - 1), 0);
  assert.equal(paths.choose(2, 2 * SECOND), true);
  assert.equal(paths.via(2, 2 * SECOND), 3);
  assert.equal(paths.cost(2, 2 * SECOND), 795);
  costs[2] = 800;
  for (let at = 2; at < 9; at++) assert.equal(paths.choose(2, at * SECOND), false, 'it is no better');
  // The direct way need be better by nothing that is worth a name, but for as long.
  costs[2] = 790;
  assert.equal(paths.choose(2, 9 * SECOND), false);
  costs[2] = 900;
  assert.equal(paths.choose(2, 9.5 * SECOND), false, 'it was better for a moment only');
  costs[2] = 790;
  paths.setVector(3, new Map([[2, 690]]), 10 * SECOND);
  assert.equal(paths.choose(2, 10 * SECOND), false);
  assert.equal(paths.choose(2, 12 * SECOND), true);
  assert.equal(paths.via(2, 12 * SECOND), 0);
});

test('where the direct way is gone a third member is taken at once, and as long as it says something', () => {
  const { costs, paths } = made({ 2: 500, 3: 100, 4: 200 });
  paths.setVector(3, new Map([[2, UNREACHABLE_COST]]), 0);
  paths.setVector(4, new Map([[2, 300]]), 0);
  delete costs[2];
  assert.equal(paths.via(2, 1), 4);
  assert.equal(paths.choose(2, 1), true);
  assert.equal(paths.via(2, 10 * SECOND), 4);
  assert.equal(paths.via(2, 10 * SECOND + 1), -1);
  assert.equal(paths.cost(2, 10 * SECOND + 1), UNREACHABLE_COST);
  delete costs[4];
  assert.equal(paths.via(2, 1), -1);
  costs[2] = 500;
  assert.equal(paths.via(2, 1), 0);
});

test('a bad link is gone around, and taken again when it is good', () => {
  const slow = (from: number, to: number) => (from + to === 3 ? 100 : 10);
  const scene = new Scene(3, { delayMs: slow });
  scene.run(8000);
  assert.equal(scene.mesh(1).via(2, scene.steps.now), 3);
  assert.equal(scene.mesh(3).via(2, scene.steps.now), 0);
  assert.deepEqual(
    scene.heard(1).filter((what) => what.startsWith('to')),
    ['to 2 via 3'],
  );
  scene.network.way(1, 2).delayUs = 5000;
  scene.network.way(2, 1).delayUs = 5000;
  scene.run(8000);
  assert.equal(scene.mesh(1).via(2, scene.steps.now), 0);
});

test('a link that fails in one direction is gone around in both', () => {
  const scene = new Scene(3);
  scene.run(5000);
  scene.network.way(1, 2).cut = true;
  scene.run(300);
  assert.equal(scene.mesh(1).via(2, scene.steps.now), 3);
  assert.equal(scene.mesh(2).via(1, scene.steps.now), 3);
  scene.network.heal();
  scene.run(4000);
  assert.equal(scene.mesh(1).via(2, scene.steps.now), 0);
  assert.equal(scene.mesh(2).via(1, scene.steps.now), 0);
});
