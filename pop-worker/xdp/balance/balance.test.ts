import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { XdpVerdict } from '#host/bpf/program.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { FIXTURE_SERVICES } from '../testing/balance/services.ts';
import { BALANCE_FIXTURES } from '../testing/balance-fixtures.ts';
import { loadBalancer } from '../testing/balanced.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const VERDICTS = { balanced: XdpVerdict.tx, passed: XdpVerdict.pass } as const;
const verdictOf = (counted: string): number =>
  counted.startsWith('drop')
    ? XdpVerdict.drop
    : counted.startsWith('answered')
      ? XdpVerdict.tx
      : VERDICTS[counted as 'passed'];

for (const [group, fixtures] of Object.entries(BALANCE_FIXTURES)) {
  describe(`fixtures of ${group}`, { skip }, () => {
    let front: ReturnType<typeof loadBalancer>['front'];
    const closers: (() => void)[] = [];
    before(() => {
      ({ front } = loadBalancer({ after: (close) => closers.push(close) }, FIXTURE_SERVICES));
    });
    after(() => {
      for (const close of closers) close();
    });
    for (const { name, frame, counted, out = frame } of fixtures) {
      test(name, () => {
        const { verdict, packet, counted: seen } = front.show(frame);
        assert.deepEqual(seen, { [counted]: 1 });
        assert.equal(verdict, verdictOf(counted));
        assert.deepEqual(packet, out);
      });
    }
  });
}

test('whatever is cut off goes to nobody, wherever it is cut', { skip }, (t) => {
  const { front } = loadBalancer(t, FIXTURE_SERVICES);
  let cuts = 0;
  for (const { name, frame, counted } of Object.values(BALANCE_FIXTURES).flat()) {
    if (counted === 'passed' || name.startsWith('padding')) continue;
    // All of short ones, and of large ones what is within headers, in the middle and at the end.
    for (let length = 14; length < frame.length; length += length > 140 && length < frame.length - 8 ? 97 : 1) {
      assert.deepEqual(front.show(frame.subarray(0, length)).counted, { dropMalformed: 1 }, `${name}, ${length} bytes`);
      cuts++;
    }
  }
  assert.ok(cuts > 5000, `${cuts}`);
});

test('bytes that mean nothing, to services’ addresses, go somewhere or nowhere, and are counted once', {
  skip,
}, (t) => {
  const { front } = loadBalancer(t, FIXTURE_SERVICES);
  const rows = Object.values(BALANCE_FIXTURES).flat();
  let shown = 0;
  for (let i = 0; i < 20_000; i++) {
    const frame = (rows[i % rows.length] as (typeof rows)[number]).frame.slice();
    const [at, value] = crypto.getRandomValues(new Uint8Array(2)) as unknown as [number, number];
    frame[14 + (at % Math.min(frame.length - 14, 120))] = value;
    front.program.test(frame);
    shown++;
  }
  assert.equal(
    Object.values(front.counts()).reduce((sum, packets) => sum + packets, 0),
    shown,
  );
});
