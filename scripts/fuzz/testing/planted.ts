// Parsers with a fault each, for the test of the fuzzer.
import { test } from 'node:test';
import type { Case } from '../../corpus/corpus.ts';
import { survive, surviveAsync } from '../../corpus/survive.ts';

const cases: readonly Case[] = [{ name: 'a', bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), expect: undefined }];

test('without end', () =>
  survive(cases, (bytes) => {
    while (bytes[1] === 0xff);
  }));

const kept: Uint8Array[] = [];
test('believes a length', () =>
  survive(cases, (bytes) => {
    if (bytes.length > 2 && bytes[0] === 0xff) kept.push(new Uint8Array(100_000_000));
  }));

test('takes its time', () =>
  surviveAsync(cases, async (bytes) => {
    if (bytes[2] === 0x40) await Promise.reject(new Error('rejected'));
  }));

test('has no fault', () => survive(cases, () => {}));
