import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './testing/scene.ts';

test('all hold their leases once they have heard each other, and nobody is dead', () => {
  const scene = new Scene(5);
  scene.run(5000);
  assert.deepEqual(scene.holds(), [1, 2, 3, 4, 5]);
  for (const member of [1, 2, 3, 4, 5]) assert.deepEqual(scene.dead(member), []);
});

test('a worker that is killed is dead for all others within its window and a bit, and alive again after a restart', () => {
  const scene = new Scene(5);
  scene.run(5000);
  scene.network.kill(3);
  scene.run(100);
  assert.deepEqual(scene.dead(1), []);
  scene.run(200);
  for (const member of [1, 2, 4, 5]) assert.deepEqual(scene.dead(member), [3]);
  scene.network.restart(3);
  scene.run(4500);
  for (const member of [1, 2, 4, 5]) assert.deepEqual(scene.dead(member), []);
  assert.deepEqual(scene.holds(), [1, 2, 3, 4, 5]);
});

test('a worker that says that it serves nobody is dead for all at once, and alive when it serves again', () => {
  const scene = new Scene(5, { delayMs: () => 10 });
  scene.run(5000);
  const { network } = scene;
  network.way(3, 5).cut = true;
  network.way(5, 3).cut = true;
  scene.run(1000);
  scene.mesh(3).setServing(false, scene.steps.now);
  network.node(3).wake();
  assert.equal(scene.mesh(3).holdsLease(scene.steps.now), false);
  assert.equal(scene.mesh(3).mayServe(scene.steps.now), false);
  scene.run(15);
  for (const member of [1, 2, 4]) assert.deepEqual(scene.dead(member), [3]);
  scene.run(60);
  assert.deepEqual(scene.dead(5), [3], 'who cannot hear it hears it from others');
  scene.mesh(3).setServing(true, scene.steps.now);
  network.node(3).wake();
  scene.run(60);
  for (const member of [1, 2, 4]) assert.deepEqual(scene.dead(member), []);
  scene.run(4000);
  assert.ok(scene.mesh(3).holdsLease(scene.steps.now) && scene.mesh(3).mayServe(scene.steps.now));
});

test('a worker whose host says that it is gone is dead with its next probe that does not come; one that lives is not', () => {
  const scene = new Scene(3);
  scene.run(5000);
  scene.network.kill(3);
  scene.run(15);
  for (const member of [1, 2]) {
    scene.mesh(member).refused(3, scene.steps.now);
    scene.mesh(member).refused(member === 1 ? 2 : 1, scene.steps.now);
    scene.network.node(member).wake();
  }
  scene.run(90);
  assert.deepEqual([scene.dead(1), scene.dead(2)], [[3], [3]]);
  scene.run(1000);
  assert.deepEqual([scene.dead(1), scene.dead(2)], [[3], [3]]);
});

test('a minority calls nobody dead, and loses its leases before anybody calls it dead', () => {
  const scene = new Scene(5);
  scene.run(5000);
  scene.network.partition([1, 2], [3, 4, 5]);
  let everyoneKnew = false;
  for (let ms = 0; ms < 3000; ms += 5) {
    scene.run(5);
    const holds = scene.holds();
    for (const member of [1, 2, 3, 4, 5]) {
      for (const dead of scene.dead(member))
        assert.ok(!holds.includes(dead), `${dead} holds a lease and is dead for ${member}`);
    }
    everyoneKnew ||= [3, 4, 5].every((member) => scene.dead(member).join() === '1,2');
  }
  assert.ok(everyoneKnew);
  assert.deepEqual(scene.holds(), [3, 4, 5]);
  assert.deepEqual([scene.dead(1), scene.dead(2)], [[], []]);
});

test('of two workers neither can call the other dead; a witness makes it three', () => {
  const two = new Scene(2);
  two.run(5000);
  two.network.kill(2);
  two.run(2000);
  assert.deepEqual(two.dead(1), []);
  assert.deepEqual(two.holds().includes(1), false);
  const three = new Scene(3);
  three.run(5000);
  three.network.kill(2);
  three.run(2000);
  assert.deepEqual([three.dead(1), three.dead(3)], [[2], [2]]);
});

test('nobody who holds a lease is dead for anybody, whatever the links do', () => {
  for (let seed = 1; seed <= 6; seed++) {
    const scene = new Scene(5, { seed, delayMs: (from, to) => 5 + 15 * Math.abs(from - to) });
    const { network } = scene;
    for (let ms = 0; ms < 12_000; ms += 10) {
      scene.run(10);
      if (ms % 300 === 0) {
        for (const from of [1, 2, 3, 4, 5]) {
          for (const to of [1, 2, 3, 4, 5]) {
            const way = network.way(from, to);
            way.cut = network.random.next() < 0.3;
            way.loss = network.random.next() < 0.3 ? 0.3 : 0;
          }
        }
        const stopped = network.node(1 + network.random.below(5));
        if (stopped.isStopped) stopped.resume();
        else if (network.random.next() < 0.3) stopped.isStopped = true;
      }
      const holds = scene.holds();
      for (const { member, isStopped } of network.nodes.values()) {
        if (isStopped) continue;
        for (const dead of scene.dead(member)) {
          assert.ok(!holds.includes(dead), `seed ${seed}, ${ms} ms: ${dead} holds a lease and is dead for ${member}`);
        }
      }
    }
  }
});
