import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Case, mutants, readCorpus } from './corpus.ts';
import { survive, surviveAsync } from './survive.ts';

const file = (t: TestContext, content: unknown): URL => {
  const folder = mkdtempSync(path.join(tmpdir(), 'corpus-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'x.json'), JSON.stringify(content));
  return pathToFileURL(path.join(folder, 'x.json'));
};

test('cases are hexadecimal or text, repeated where they say so', (t) => {
  const cases = readCorpus(
    file(t, [
      { name: 'a', hex: '00 ff', expect: 7 },
      { name: 'b', text: 'ü', times: 3 },
      { name: 'c', hex: '' },
    ]),
  );
  assert.deepEqual(cases[0], { name: 'a', bytes: Uint8Array.of(0, 255), expect: 7 });
  assert.equal(Buffer.from(cases[1]!.bytes).toString(), 'üüü');
  assert.equal(cases[2]!.bytes.length, 0);
});

test('what is no case is told', (t) => {
  for (const wrong of [
    [{ name: 'a' }],
    [{ name: 'a', hex: '00', text: 'x' }],
    [{ name: 'a', hex: '0' }],
    [{ name: 'a', hex: 'zz' }],
    [
      { name: 'a', hex: '00' },
      { name: 'a', hex: '01' },
    ],
  ]) {
    assert.throws(() => readCorpus(file(t, wrong)), /a/);
  }
});

const CASES: readonly Case[] = ['', 'abc', 'x'.repeat(100)].map((text, i) => ({
  name: String(i),
  bytes: Uint8Array.from(Buffer.from(text)),
  expect: undefined,
}));

test('the same seed makes the same inputs, another one others, of many kinds', () => {
  const made = (seed: number): string[] =>
    [...mutants(CASES, seed, 300)].map((bytes) => Buffer.from(bytes).toString('hex'));
  assert.deepEqual(made(1), made(1));
  assert.notDeepEqual(made(1), made(2));
  assert.ok(new Set(made(1)).size > 150);
});

test('each case and as many others as asked for are tried, and what fails is shown as a case', () => {
  let seen = 0;
  survive(CASES, () => seen++, { mutants: 50 });
  assert.equal(seen, 53);
  const fails = (bytes: Uint8Array): void => assert.ok(bytes[0] !== 0x61, 'an a');
  assert.throws(() => survive(CASES, fails), /an a\n {2}input: \{ "hex": "616263" \}/);
});

test('what takes too long or too much memory fails', async () => {
  const slow = (): void => {
    const end = process.threadCpuUsage().user + 30_000;
    while (process.threadCpuUsage().user < end);
  };
  assert.throws(() => survive(CASES, slow, { bounds: { cpuMs: 10 } }), /ms of processor time, more than 10/);
  const kept: Uint8Array[] = [];
  const greedy = (): void => void kept.push(new Uint8Array(100_000_000));
  assert.throws(() => survive(CASES, greedy), /bytes of memory/);
  await assert.rejects(
    surviveAsync(CASES, async () => greedy()),
    /bytes of memory/,
  );
  await assert.rejects(
    surviveAsync(CASES, async () => assert.fail('no')),
    /no\n/,
  );
});
