import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { needsRoot } from '#host/testing/namespace.ts';
import { nowUs } from '../clock/clock.ts';
import { native } from '../native.ts';
import { Guard, ordinaryThreads } from './guard.ts';
import { helperThreads } from './helpers.ts';
import { makeRealtime } from './thread.ts';

/** Fields 40 and 41 of proc(5)'s stat: real-time priority and policy. */
const scheduling = (thread: number): string => {
  const [, rest = ''] = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').split(/\) (?=\S \d)/);
  return rest.split(' ').slice(37, 39).join(' ');
};

const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const end = performance.now() + 10_000; !holds(); await sleep(2))
    assert.ok(performance.now() < end, `in vain: ${what}`);
};

test('while its thread is overdue helpers have real-time priority, and not before or after', {
  skip: needsRoot,
}, async (t) => {
  const helpers = helperThreads();
  const ordinary = ordinaryThreads();
  assert.ok([native.threadId(), ...helpers].every((thread) => ordinary.includes(thread)));
  const all = (text: string) => (): boolean => helpers.every((thread) => scheduling(thread) === text);
  assert.ok(all('0 0')());
  const guard = Guard.over(helpers, 11);
  t.after(() => guard?.close());
  assert.equal(guard?.due(nowUs() + 3600e6), 0);
  await sleep(50);
  assert.ok(all('0 0')());
  assert.equal(guard.due(nowUs() - 1e6), 0);
  await until('they are lent priority', all('1 2'));
  assert.ok(helpers.every((thread) => !ordinaryThreads().includes(thread)));
  assert.equal(guard.due(Number.POSITIVE_INFINITY), 1);
  await until('it is taken back', all('0 0'));
  guard.due(0);
  await until('they are lent priority again', all('1 2'));
  guard.close();
  guard.close();
  assert.ok(all('0 0')(), 'it is taken back at the end');
  assert.throws(() => guard.due(0), { code: 'ERR_CLOSED' });
});

test('a thread that has real-time priority by itself keeps it', { skip: needsRoot }, async (t) => {
  const own = native.threadId();
  const guard = Guard.over([own, ...helperThreads()], 11);
  t.after(() => guard?.close());
  if (!makeRealtime(5)) return;
  t.after(() => makeRealtime(0));
  guard?.due(nowUs() - 1e6);
  await until('others are lent priority', () => helperThreads().every((thread) => scheduling(thread) === '1 2'));
  assert.equal(scheduling(own), '5 2');
  guard?.due(Number.POSITIVE_INFINITY);
  await until('it is taken back', () => helperThreads().every((thread) => scheduling(thread) === '0 0'));
  assert.equal(scheduling(own), '5 2');
});

test('numbers that are no threads are refused', () => {
  for (const helpers of [[0], [-1]]) assert.throws(() => Guard.over(helpers, 11), RangeError);
  assert.throws(() => Guard.over([1], 0), RangeError);
  assert.throws(() => Guard.over([1], 100), RangeError);
});
