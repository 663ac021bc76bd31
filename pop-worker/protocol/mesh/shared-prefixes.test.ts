import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from './testing/scene.ts';

test('which of its prefixes others announce is known, of those that are heard, and of nobody where nobody is', () => {
  const PREFIXES = new Map([...'abc'].map((name, n) => [name, { address: Uint8Array.of(192, 0, n, 0), length: 24 }]));
  const own = new Map<number, string>();
  const scene = new Scene(3);
  /** @param names a letter for each prefix */
  const set = (member: number, names: string): void => {
    own.set(member, names);
    const prefixes = [...names].flatMap((name) => PREFIXES.get(name) ?? []);
    scene.mesh(member).setPrefixes(prefixes, scene.steps.now);
  };
  const shared = () =>
    [1, 2, 3].map((member) => {
      const places = scene.mesh(member).sharedPrefixes(scene.steps.now);
      return places?.map((place) => own.get(member)?.[place]).join('');
    });
  set(1, 'ab');
  set(2, 'bc');
  set(3, 'c');
  scene.run(5000);
  assert.deepEqual(shared(), ['', '', ''], 'nobody announces yet');
  for (const member of [1, 2, 3]) scene.mesh(member).announces = true;
  scene.run(100);
  assert.deepEqual(shared(), ['b', 'bc', 'c'], 'that others have other prefixes does not count');
  set(3, 'ca');
  scene.run(100);
  assert.deepEqual(shared(), ['ab', 'bc', 'ca']);
  assert.equal(scene.mesh(1).sharedPrefixes(scene.steps.now), scene.mesh(1).sharedPrefixes(scene.steps.now));
  scene.mesh(3).announces = false;
  scene.run(100);
  assert.deepEqual(shared(), ['b', 'b', 'ca']);
  scene.network.partition([1], [2, 3]);
  scene.run(500);
  assert.deepEqual(shared(), [undefined, '', 'c']);
});
