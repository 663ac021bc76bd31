import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { askProgram } from '../admin/client.ts';
import { closePeers, RawPeer, until, updateOf } from './testing/raw-peer.ts';
import { RunningSpeaker } from './testing/running.ts';

afterEach(closePeers);

const PEER = { name: 'peer', address: '127.0.0.2', as: 64_500, max_prefixes: { 'ipv4-unicast': 1 } };
const NOWHERE = { name: 'nowhere', address: 'fe80::9%nowhere', as: 64_502 };
const OFF = { name: 'off', address: '127.0.0.3', as: 64_501, shutdown: 'for now' };
const ATTRIBUTES = '400101 00 400206 0201 0000fbf4 400304 c0000201';

test('a neighbour that is held back can be had again by a word at the socket', async (t) => {
  const speaker = await RunningSpeaker.start(t, [PEER, OFF, NOWHERE]);
  const retry = (neighbor: unknown) => askProgram('bgp', speaker.socket, 'retry', { more: { neighbor } });
  const first = await RawPeer.established(speaker.port, PEER.address, PEER);
  first.say(updateOf(ATTRIBUTES, '18 cb0071 18 cb0072'));
  await until('more than it may announce', () => first.isClosed);
  assert.equal(first.notification, '6/1');
  const held = (await speaker.status('peer')).heldBackSeconds ?? 0;
  assert.ok(held > 590 && held <= 600, `${held} s`);
  const refused = await RawPeer.at(speaker.port, PEER.address);
  await until('it is refused', () => refused.isClosed);
  assert.equal(refused.notification, '6/5');
  const told = (await retry('peer')) as { heldBackSeconds: number };
  assert.ok(told.heldBackSeconds > 590);
  assert.equal((await speaker.status('peer')).heldBackSeconds, undefined);
  const again = await RawPeer.established(speaker.port, PEER.address, PEER);
  again.say(updateOf(ATTRIBUTES, '18 cb0071'));
  await until('its route is there', async () => (await speaker.status('peer')).routes['ipv4-unicast']?.received === 1);
  // One that has a session keeps it.
  assert.deepEqual(await retry('peer'), { neighbor: 'peer', heldBackSeconds: 0, state: 'established' });
  assert.deepEqual([(await speaker.status('peer')).sessions, again.isClosed], [2, false]);
  await assert.rejects(retry('other'), /there is no neighbour other: there is peer, off, nowhere/);
  await assert.rejects(retry(undefined), /there is no neighbour undefined/);
  await assert.rejects(retry('nowhere'), /nowhere cannot be had: this machine has no interface "nowhere"/);
  await assert.rejects(retry('off'), /off is shut down by the file: take that away there, and send SIGHUP/);
});
