import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ANNOUNCER_RULES } from '#protocol/anycast/announcer.ts';
import { Anycast, type RunningCheck } from './anycast.ts';

const RULES = { ...ANNOUNCER_RULES, stepUs: 0, leastDrainUs: 20_000, drainUs: 200_000 };

const running = (t: TestContext, stableMs = 0) => {
  const faults: { threads: string | undefined; path: string | undefined } = { threads: undefined, path: undefined };
  const told: string[] = [];
  const checks: RunningCheck[] = [
    {
      name: 'threads',
      effect: 'withdraw',
      failures: 1,
      stableUs: stableMs * 1000,
      everyMs: 5,
      ask: () => faults.threads,
    },
    {
      ...({ name: 'path', effect: 'unless-last', failures: 2, stableUs: stableMs * 1000, everyMs: 5 } as const),
      ask: async () => {
        await sleep(1);
        return faults.path;
      },
    },
  ];
  const anycast = new Anycast(RULES, checks, {
    announce: ({ isAnnounced, preference, isLeaving }) =>
      void told.push(isAnnounced ? `announce ${preference}${isLeaving ? ' leaving' : ''}` : 'withdraw'),
    became: (state, reason) => void told.push(reason === undefined ? state : `${state}: ${reason}`),
    drained: ({ sessions, left, ended }) => void told.push(`drained ${sessions} ${left} ${ended?.how}`),
  });
  t.after(() => anycast.stop());
  const until = async (text: string): Promise<void> => {
    for (const end = performance.now() + 5000; !told.includes(text); await sleep(2)) {
      assert.ok(performance.now() < end, `${text} is not among ${told.join(', ')}`);
    }
  };
  anycast.start();
  return { anycast, faults, told, until };
};

test('it announces once all checks hold, withdraws when one fails, and comes back', async (t) => {
  const { anycast, faults, told, until } = running(t);
  await until('announced');
  assert.deepEqual(told, ['announce 10', 'announced']);
  faults.threads = 'data-plane thread 0 is silent';
  await until('failed: data-plane thread 0 is silent');
  assert.deepEqual(told.slice(2), ['withdraw', 'failed: data-plane thread 0 is silent']);
  assert.deepEqual(anycast.status().checks, [
    { name: 'threads', state: 'failed', reason: 'data-plane thread 0 is silent' },
    { name: 'path', state: 'holds', reason: '' },
  ]);
  told.length = 0;
  faults.threads = undefined;
  await until('announced');
  assert.deepEqual(told, ['announce 10', 'announced']);
});

test('time alone brings it back once a check has held for long enough', async (t) => {
  const { faults, told, until } = running(t, 60);
  await until('announced');
  faults.path = 'no echo';
  await until('last: no echo');
  told.length = 0;
  faults.path = undefined;
  const start = performance.now();
  await until('announced');
  assert.ok(performance.now() - start >= 55);
});

test('a drain that all have left, and one that not all have left', async (t) => {
  const { anycast, told, until } = running(t);
  await until('announced');
  anycast.sessions(3);
  anycast.order('drain');
  assert.deepEqual(told.splice(0), ['announce 10', 'announced', 'announce 0 leaving', 'draining']);
  anycast.sessions(0);
  await until('drained 3 0 moved');
  assert.deepEqual(told.splice(0), ['withdraw', 'drained', 'drained 3 0 moved']);
  anycast.order('serve');
  anycast.sessions(2);
  anycast.order('drain');
  await until('drained 2 2 deadline');
  assert.deepEqual(anycast.status().drain, { sessions: 2, left: 2, seconds: 0, ended: 'deadline' });
});

test('one that was stopped says nothing any more', async (t) => {
  const { anycast, faults, told, until } = running(t);
  await until('announced');
  anycast.stop();
  told.length = 0;
  faults.threads = 'silent';
  anycast.order('drain');
  await sleep(30);
  assert.deepEqual(told, []);
});
