import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { XdpVerdict } from '#host/bpf/program.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { FILTER_FIXTURES } from './testing/filter-fixtures.ts';
import { loadFront } from './testing/loaded.ts';

const skip = isRoot ? false : 'programs are loaded by root';

for (const [group, fixtures] of Object.entries(FILTER_FIXTURES)) {
  describe(`fixtures of ${group}`, { skip }, () => {
    const loaded = new Map<string, ReturnType<typeof loadFront>>();
    const closers: (() => void)[] = [];
    after(() => {
      for (const close of closers) close();
    });
    for (const { name, frame, counted, settings = {} } of fixtures) {
      test(name, () => {
        const key = JSON.stringify(settings);
        const front = loaded.get(key) ?? loadFront({ after: (close) => closers.push(close) }, settings);
        loaded.set(key, front);
        const { verdict, packet, counted: seen } = front.show(frame);
        assert.deepEqual(seen, { [counted]: 1 });
        assert.equal(verdict, counted.startsWith('drop') ? XdpVerdict.drop : XdpVerdict.pass);
        assert.deepEqual(packet, frame);
      });
    }
  });
}

test('whatever is cut off is malformed, wherever it is cut', { skip }, (t) => {
  const front = loadFront(t);
  let cuts = 0;
  for (const { name, frame, counted, settings } of Object.values(FILTER_FIXTURES).flat()) {
    if (counted !== 'passed' || settings !== undefined || name.startsWith('padding')) continue;
    for (let length = 14; length < frame.length; length++) {
      assert.deepEqual(front.show(frame.subarray(0, length)).counted, { dropMalformed: 1 }, `${name}, ${length} bytes`);
      cuts++;
    }
  }
  assert.ok(cuts > 4000);
});

test('bytes that mean nothing are judged, too', { skip }, (t) => {
  const front = loadFront(t);
  const frame = new Uint8Array(120);
  for (let i = 0; i < 20_000; i++) {
    crypto.getRandomValues(frame);
    frame.set(
      [
        [8, 0],
        [0x86, 0xdd],
        [0x81, 0],
      ][i % 3] as number[],
      12,
    );
    // Enough of sense to come further.
    if (i % 2 === 0)
      frame.set(i % 3 === 0 ? [0x45, 0, 0, 60] : [0x60, 0, 0, 0, 0, 60, [0, 43, 44, 60, 51][i % 5] as number], 14);
    front.program.test(frame);
  }
  const counts = front.counts();
  assert.equal(
    Object.values(counts).reduce((sum, packets) => sum + packets, 0),
    20_000,
  );
  assert.ok((counts.passed ?? 0) > 100 && (counts.dropMalformed ?? 0) > 100 && (counts.dropMartian ?? 0) > 100);
});
