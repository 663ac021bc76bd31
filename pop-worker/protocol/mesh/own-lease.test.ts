import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './testing/scene.ts';

test('who was stopped serves only once it holds its lease again; who hears nobody goes on after a second', () => {
  const scene = new Scene(3);
  scene.run(5000);
  const node = scene.network.node(2);
  node.isStopped = true;
  scene.run(600);
  assert.deepEqual(scene.dead(1), [2]);
  node.isStopped = false;
  assert.equal(node.mesh.mayServe(scene.steps.now), false);
  assert.match(scene.heard(2, scene.nowMs - 1).join(), /^stopped for 6\d\d ms$/);
  node.resume();
  scene.run(100);
  assert.equal(node.mesh.mayServe(scene.steps.now), false);
  scene.run(2000);
  assert.equal(node.mesh.mayServe(scene.steps.now), true);

  scene.network.partition([1, 3], [2]);
  node.isStopped = true;
  scene.run(600);
  node.resume();
  assert.equal(node.mesh.mayServe(scene.steps.now), false);
  scene.run(900);
  assert.equal(node.mesh.mayServe(scene.steps.now), false);
  scene.run(200);
  assert.equal(node.mesh.mayServe(scene.steps.now), true);
  assert.equal(node.mesh.holdsLease(scene.steps.now), false);
});

test('who was stopped and is in a minority since goes on after a second too', () => {
  const scene = new Scene(5);
  scene.run(5000);
  const node = scene.network.node(2);
  node.isStopped = true;
  scene.network.partition([1, 2], [3, 4, 5]);
  scene.run(600);
  node.isStopped = false;
  node.resume();
  scene.run(900);
  assert.equal(node.mesh.mayServe(scene.steps.now), false);
  scene.run(200);
  assert.equal(node.mesh.mayServe(scene.steps.now), true);
  assert.equal(node.mesh.holdsLease(scene.steps.now), false);
});

test('a worker whose links all fail withdraws nothing: it may serve, without a lease', () => {
  const scene = new Scene(3);
  scene.run(5000);
  scene.network.partition([1], [2, 3]);
  scene.run(5000);
  assert.equal(scene.mesh(1).holdsLease(scene.steps.now), false);
  assert.equal(scene.mesh(1).mayServe(scene.steps.now), true);
  assert.deepEqual(
    scene.heard(1, 5000).filter((what) => what.startsWith('lease')),
    ['lease lost'],
  );
});
