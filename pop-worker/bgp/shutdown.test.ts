import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MessageType } from '#protocol/bgp/wire/header.ts';
import { closePeers, RawPeer, until } from './testing/raw-peer.ts';
import { RunningSpeaker } from './testing/running.ts';

afterEach(closePeers);

const ONE = { name: 'one', address: '127.0.0.2', as: 64_500 };
const OTHER = { name: 'other', address: '127.0.0.3', as: 64_501 };

/** Subcode of the Cease that came, and its text (RFC 9003 §2). */
const ceaseOf = (peer: RawPeer): string | undefined => {
  const found = peer.heard.find(({ type }) => type === MessageType.notification);
  return found && `${found.body[0]}/${found.body[1]} ${found.body.subarray(3).toString()}`;
};

test('a neighbour is shut down by the file, told why, refused, and had again; at the end all are told (RFC 9003)', async (t) => {
  const speaker = await RunningSpeaker.start(t, [ONE, OTHER]);
  const other = await RawPeer.established(speaker.port, OTHER.address, OTHER);
  const one = await RawPeer.established(speaker.port, ONE.address, ONE);
  speaker.change([{ ...ONE, shutdown: 'moving house' }, OTHER]);
  await until('it is told', () => one.isClosed);
  assert.equal(ceaseOf(one), '6/2 moving house');
  const { enabled, lastSession } = await speaker.status('one');
  assert.deepEqual([enabled, lastSession?.reason], [false, 'sent Cease, Administrative Shutdown: it was stopped']);
  const refused = await RawPeer.at(speaker.port, ONE.address);
  await until('it is refused', () => refused.isClosed);
  assert.equal(refused.notification, '6/5');
  speaker.change([ONE, OTHER]);
  await until('it may be had again', async () => (await speaker.status('one')).enabled);
  const again = await RawPeer.established(speaker.port, ONE.address, ONE);
  assert.equal((await speaker.status('other')).sessions, 1);
  speaker.end();
  await until('both are told', () => again.isClosed && other.isClosed);
  assert.deepEqual([ceaseOf(again), ceaseOf(other)], ['6/2 back at noon', '6/2 back at noon']);
});
