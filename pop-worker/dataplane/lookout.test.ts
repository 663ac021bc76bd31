import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Lookout, MOST_LOOK_US } from './lookout.ts';

/** Turns after each of which a datagram comes in so many microseconds. @returns looks, and the time that they took */
const turns = (lookout: Lookout, gaps: readonly number[]): { readonly looks: number; readonly tookUs: number } => {
  let looks = 0;
  let tookUs = 0;
  for (const gap of gaps) {
    if (!lookout.isDue()) continue;
    const took = Math.min(gap, MOST_LOOK_US);
    looks++;
    tookUs += took;
    lookout.looked(gap <= MOST_LOOK_US, took);
  }
  return { looks, tookUs };
};

const same = (gap: number, count: number): number[] => new Array<number>(count).fill(gap);

test('where answers come sooner than a sleep takes, each turn looks', () => {
  const lookout = new Lookout();
  turns(lookout, same(20, 200));
  assert.equal(turns(lookout, same(20, 1000)).looks, 1000);
});

test('where they come later, or not at all, looks are rare, and soon so', () => {
  for (const gap of [60, 99, 200, Number.POSITIVE_INFINITY]) {
    const lookout = new Lookout();
    turns(lookout, same(20, 200));
    turns(lookout, same(gap, 30));
    const { looks, tookUs } = turns(lookout, same(gap, 1000));
    assert.ok(looks > 0 && looks < 200, `${looks} looks at ${gap} us`);
    assert.ok(tookUs < 1000 * 12, `${tookUs} us at ${gap} us`);
  }
});

test('a thread that lost its CPU while it looked tries again soon', () => {
  const lookout = new Lookout();
  turns(lookout, same(20, 200));
  lookout.looked(false, 1e6);
  assert.ok(turns(lookout, same(20, 100)).looks > 50);
});

test('whatever comes when, looks take no more than the sleeps that they saved and 4 us a turn', () => {
  const gap = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 300 }));
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 2000 }), (gaps) => {
      let saved = 0;
      let took = 0;
      const lookout = new Lookout();
      for (const gapUs of gaps) {
        const { looks, tookUs } = turns(lookout, [gapUs]);
        took += tookUs;
        if (looks === 1 && gapUs <= MOST_LOOK_US) saved += 40;
      }
      assert.ok(took <= saved + 4 * gaps.length);
    }),
  );
});
