import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Measurement, meetsBar } from '#telemetry/measurement.ts';
import { FigureError } from '../errors.ts';
import type { Reply } from '../ping.ts';
import { type Attempts, failoverFigures, isolationFigures } from './wireguard-figures.ts';

const missed = (figures: readonly Measurement[]): string[] =>
  figures.filter(({ value, bar }) => bar !== undefined && !meetsBar(value, bar)).map(({ metric }) => metric);

const NOTHING: Attempts = { pings: 20, answered: 0, heard: 0, requests: 0 };
const EVERYTHING: Attempts = { pings: 20, answered: 20, heard: 20, requests: 1 };

test('a stranger who gets through, by ping or TCP, even one way, makes it red', () => {
  assert.deepEqual(missed(isolationFigures(NOTHING, EVERYTHING, 20)), []);
  for (const [part, metric] of [
    [{ heard: 1 }, 'other_tenant_heard'],
    [{ answered: 1 }, 'other_tenant_answered'],
    [{ requests: 1 }, 'other_tenant_answered'],
  ] as const)
    assert.deepEqual(missed(isolationFigures({ ...NOTHING, ...part }, EVERYTHING, 20)), [metric]);
});

test('what got lost otherwise than by policy, or would for everybody, shows nothing and is red', () => {
  assert.deepEqual(missed(isolationFigures(NOTHING, EVERYTHING, 19)), ['other_tenant_dropped']);
  for (const [part, metric] of [
    [{ heard: 19 }, 'same_tenant_heard'],
    [{ answered: 19 }, 'same_tenant_answered'],
    [{ requests: 0 }, 'same_tenant_answered'],
  ] as const)
    assert.deepEqual(missed(isolationFigures(NOTHING, { ...EVERYTHING, ...part }, 20)), [metric]);
});

/** Answers 20 ms apart until one time, and from another one on. */
const answers = (lastMs: number, againMs: number | undefined): Reply[] => {
  const times = [];
  for (let at = 0; at <= lastMs; at += 20) times.push(at);
  if (againMs !== undefined) for (let at = againMs; at <= againMs + 500; at += 20) times.push(at);
  return times.map((atMs, i) => ({ sequence: i + 1, rttUs: 500, atMs }));
};

test('the longest silence counts, not what a dying process still answered', () => {
  const figures = failoverFigures(answers(1100, 1400), 1000, 0);
  assert.deepEqual(
    figures.map(({ metric, value }) => [metric, value]),
    [
      ['wireguard_next_pop', 400],
      ['wireguard_longest_silence', 300],
      ['wireguard_own_handshakes', 0],
    ],
  );
  assert.deepEqual(missed(figures), []);
});

test('too late, or by the client’s own doing, is red', () => {
  const late = failoverFigures(answers(1000, 6100), 1000, 1);
  assert.deepEqual(missed(late), ['wireguard_next_pop', 'wireguard_longest_silence', 'wireguard_own_handshakes']);
});

test('no answer any more, or none before, is no figure but an error', () => {
  const fails = (replies: readonly Reply[], pattern: RegExp): void =>
    assert.throws(
      () => failoverFigures(replies, 1000, 0),
      (error) => error instanceof FigureError && pattern.test(error.message),
    );
  fails(answers(1000, undefined), /nobody any more/);
  fails(answers(400, 1400), /nobody before/);
  fails([], /nobody before/);
});
