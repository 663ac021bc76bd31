import assert from 'node:assert/strict';
import { type Case, reasonOf } from './case.ts';

export const popsAndWorkers = async ({ send, id }: Case): Promise<void> => {
  const moscow = id('moscow');
  const pop = `/v1/pops/${moscow}`;
  await send('POST', '/v1/pops', { id: moscow, latitude: 55.75, longitude: 37.6 });
  assert.equal((await send('POST', `${pop}/workers`, { id: 'w1' })).status, 201);
  const lost = send('POST', `/v1/pops/${id('nowhere')}/workers`, { id: 'w1' });
  assert.deepEqual(await reasonOf(lost), [404, 'POP_NOT_FOUND']);
  assert.equal((await send('POST', `${pop}/workers/w1/drain`, {})).json.drain, true);
  assert.equal((await send('POST', `${pop}/workers/w1/undrain`, {})).json.drain, undefined);
  // What the PoP says and what is said of a worker stand beside each other; who comes later hears it, too.
  await send('POST', `${pop}/workers`, { id: 'w2', drain: true });
  assert.equal((await send('PATCH', pop, { drain: true, displayName: 'Moscow' })).json.drain, undefined);
  assert.equal((await send('POST', `${pop}/drain`, {})).json.drain, true);
  await send('POST', `${pop}/workers`, { id: 'w3', popDrain: false });
  const asked = async () =>
    (await send('GET', `${pop}/workers`)).json.workers
      .map((one: { id: string; drain?: boolean; popDrain?: boolean }) => `${one.id} ${one.drain} ${one.popDrain}`)
      .sort();
  assert.deepEqual(await asked(), ['w1 undefined true', 'w2 true true', 'w3 undefined true']);
  assert.equal((await send('POST', `${pop}/workers/w1/undrain`, {})).json.popDrain, true);
  assert.equal((await send('POST', `${pop}/undrain`, {})).json.drain, undefined);
  assert.deepEqual(await asked(), ['w1 undefined undefined', 'w2 true undefined', 'w3 undefined undefined']);
  assert.deepEqual(await reasonOf(send('POST', `/v1/pops/${id('nowhere')}/drain`, {})), [404, 'POP_NOT_FOUND']);
  for (const worker of ['w2', 'w3']) await send('DELETE', `${pop}/workers/${worker}`);
  assert.deepEqual(await reasonOf(send('DELETE', pop)), [409, 'POP_NOT_EMPTY']);
  assert.equal((await send('GET', `${pop}/workers`)).json.workers[0].id, 'w1');
  await send('DELETE', `${pop}/workers/w1`);
  assert.equal((await send('DELETE', pop)).status, 204);
  assert.equal((await send('POST', '/v1/pops', { id: moscow })).status, 201, 'a PoP may come back');
};
