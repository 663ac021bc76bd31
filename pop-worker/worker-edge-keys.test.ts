import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { WorkerEdgeKeys } from './worker-edge-keys.ts';

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const textOf = (number: number): string => wireguardKeyText(rawPublicKey(privateKeyOf(keyOf(number))));

const scene = (t: TestContext, byPrevious: () => Promise<readonly string[]>) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const said: object[] = [];
  const keys = new WorkerEdgeKeys({
    ...{ keys: { privateKey: keyOf(2), previousPrivateKey: keyOf(1) }, byPrevious },
    report: (event) => said.push(event),
  });
  t.after(() => keys.close());
  const look = async (): Promise<object[]> => {
    mock.timers.tick(10_000);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return said.splice(0);
  };
  return { keys, look };
};

test('it is said by which keys devices are here; with one key threads are not asked', async (t) => {
  let asked = 0;
  const { keys, look } = scene(t, async () => {
    asked++;
    return ['acme/a'];
  });
  const [newest, previous] = [textOf(2), textOf(1)];
  assert.deepEqual(await look(), [{ type: 'edge-keys', newest, previous, byPrevious: ['acme/a'] }]);
  keys.set({ privateKey: keyOf(2) });
  assert.deepEqual(await look(), [{ type: 'edge-keys', newest, previous: '', byPrevious: [] }]);
  assert.equal(asked, 1);
});

test('what threads answer about keys of before is not said, and one that does not answer is asked again', async (t) => {
  let answer = Promise.withResolvers<readonly string[]>();
  const { keys, look } = scene(t, () => answer.promise);
  assert.deepEqual(await look(), []);
  keys.set({ privateKey: keyOf(3), previousPrivateKey: keyOf(2) });
  answer.resolve(['acme/a']);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  answer = Promise.withResolvers();
  answer.reject(new Error('thread 0 does not answer'));
  assert.deepEqual(await look(), []);
  answer = Promise.withResolvers();
  answer.resolve([]);
  assert.deepEqual(await look(), [{ type: 'edge-keys', newest: textOf(3), previous: textOf(2), byPrevious: [] }]);
});
