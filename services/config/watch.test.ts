import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { EVENT_STREAM } from '#model/names.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let first: Copy;
let second: Copy;

before(async () => {
  installation = await createTestInstallation();
  [first, second] = [await installation.startCopy(), await installation.startCopy()];
});
after(() => installation?.close());

interface Watching {
  /** Tenants that were created, as the watch told of them. */
  readonly seen: string[];
  /** Of the last event. */
  readonly lastId: () => string;
  readonly error: () => string | undefined;
  close(): Promise<void>;
}

/** What an EventSource sees. @param lastId of one that comes back */
const watch = async (copy: Copy, lastId?: string): Promise<Watching> => {
  const headers = {
    authorization: `Bearer ${installation.operator}`,
    ...(lastId !== undefined && { 'last-event-id': lastId }),
  };
  const response = await copy.app.fetch(new Request('http://edge/v1/events', { headers }));
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const seen: string[] = [];
  let [last, error, text]: [string, string | undefined, string] = ['', undefined, ''];
  const take = (event: string): void => {
    last = /^id: (\d+)$/m.exec(event)?.[1] ?? last;
    if (event.startsWith('event: error')) error = event;
    const tenant = /"tenantCreated":\{"id":"([a-z0-9]+)"/.exec(event)?.[1];
    if (tenant !== undefined) seen.push(tenant);
  };
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  const reading = (async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const events = (text + next.value).split('\n\n');
      text = events.pop() ?? '';
      events.forEach(take);
    }
  })();
  const close = async (): Promise<void> => {
    await reader.cancel();
    await reading;
  };
  return { seen, lastId: () => last, error: () => error, close };
};

const create = (copy: Copy, ...ids: string[]) =>
  Promise.all(
    ids.map((id) =>
      eventually(
        async () => (await copy.send('POST', '/v1/tenants', { id })).status === 201 || undefined,
        `tenant ${id} is made`,
      ),
    ),
  );

const sees = async (watching: Watching, ...ids: string[]): Promise<void> => {
  await eventually(async () => watching.seen.length >= ids.length || undefined, `it sees ${ids}, not ${watching.seen}`);
  assert.deepEqual(watching.seen, ids);
};

test('a watch outlives outages of NATS, without a gap and without a repetition', async () => {
  const watching = await watch(first);
  await create(first, 'before');
  await sees(watching, 'before');
  for (const round of ['1', '2']) {
    await installation.server.kill();
    assert.equal((await first.send('GET', '/v1/tenants')).status, 503);
    await installation.server.start();
    await create(second, `one${round}`);
    await create(second, `two${round}`);
  }
  await sees(watching, 'before', 'one1', 'two1', 'one2', 'two2');
  await watching.close();
});

test('who watched a copy that was killed goes on at another behind the last event that it saw', async () => {
  const victim = await installation.startCopy();
  const watching = await watch(victim);
  await create(second, 'k1', 'k2');
  await eventually(async () => watching.seen.length === 2 || undefined, 'two');
  await victim.kill();
  await create(second, 'k3');
  const again = await watch(second, watching.lastId());
  await sees(again, 'k3');
  await Promise.all([watching.close(), again.close()]);
});

test('a watch whose events were lost while NATS was away ends with the reason', async () => {
  const watching = await watch(first);
  await create(first, 'kept');
  await sees(watching, 'kept');
  // A store that counts from the start again, as one that was restored from nothing.
  await (await jetstreamManager(second.nats)).streams.delete(EVENT_STREAM);
  await ensureStreams(second.nats, { replicas: 1 });
  await installation.server.kill();
  await installation.server.start();
  await eventually(async () => watching.error(), 'it hears of the gap');
  assert.match(watching.error() ?? '', /POSITION_NOT_KEPT/);
  await watching.close();
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
