import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closePeers, RawPeer, until, updateOf } from '#pop-worker/bgp/testing/raw-peer.ts';
import { RunningSpeaker } from '#pop-worker/bgp/testing/running.ts';

afterEach(closePeers);

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const PEER = { name: 'peer', address: '127.0.0.2', as: 64_500 };
const ATTRIBUTES = '400101 00 400206 0201 0000fbf4 400304 c0000201';

test('routes are as many as asked for, and what is no prefix is refused', async (t) => {
  const speaker = await RunningSpeaker.start(t, [PEER]);
  const peer = await RawPeer.established(speaker.port, PEER.address, PEER);
  peer.say(updateOf(ATTRIBUTES, '18 cb0071 18 cb0072 18 cb0073 18 cb0074 18 cb0075'));
  await until('its routes', async () => (await speaker.status('peer')).routes['ipv4-unicast']?.received === 5);
  const list = (...words: string[]) =>
    promisify(execFile)(process.execPath, [MAIN, 'bgp', 'route', 'list', '--socket', speaker.socket, ...words]);
  const some = await list('--limit', '3');
  assert.equal(some.stdout.match(/203\.0\.11/g)?.length, 3);
  assert.match(some.stderr + some.stdout, /There are more: --limit takes another count than 3\./);
  const all = await list('--limit', '5');
  assert.equal(all.stdout.match(/203\.0\.11/g)?.length, 5);
  assert.doesNotMatch(all.stderr + all.stdout, /There are more/);
  assert.match((await list('--prefix', '203.0.115.0/24')).stdout, /203\.0\.115\.0\/24/);
  for (const wrong of ['1.2.3.4/40', '203.0.115.1/24', '203.0.115.0', '2001:db8::/129', 'x'])
    await assert.rejects(list('--prefix', wrong), (error: { stderr: string }) =>
      /prefix: must be a prefix/.test(error.stderr),
    );
});
