import assert from 'node:assert/strict';
import { test } from 'node:test';
import { progressOf } from './progress.ts';

const told = (isTTY: boolean, steps: number, stepMs: number, all: number): string[] => {
  const texts: string[] = [];
  let nowMs = 1000;
  const progress = progressOf('qpack', all, { isTTY, write: (text) => texts.push(text) }, () => nowMs);
  for (let i = 0; i < steps; i++) {
    nowMs += stepMs;
    progress.step();
  }
  progress.clear();
  return texts;
};

test('a terminal shows one line that is written over, with the time left', () => {
  assert.deepEqual(told(true, 2, 500, 1000), [
    '\r\x1b[Kqpack: 1 of 1000, about 9 min left',
    '\r\x1b[Kqpack: 2 of 1000, about 9 min left',
    '\r\x1b[K',
  ]);
  assert.deepEqual(told(true, 2, 500, 2), ['\r\x1b[Kqpack: 1 of 2, about 1 s left', '\r\x1b[K']);
});

test('a log gets a line every half minute', () => {
  assert.deepEqual(told(false, 60, 1000, 100), [
    'qpack: 30 of 100, about 70 s left\n',
    'qpack: 60 of 100, about 40 s left\n',
  ]);
  assert.deepEqual(told(false, 20, 1000, 100), []);
});
