import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { XdpVerdict } from '#host/bpf/program.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { BALANCE_FIXTURES, FIXTURE_SERVICES } from '../testing/balance-fixtures.ts';
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
