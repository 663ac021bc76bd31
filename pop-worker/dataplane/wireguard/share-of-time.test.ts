import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShareOfTime, timeShares } from './share-of-time.ts';

const SHARES = { ofBusy: 0.125, ofIdle: 1 };

/** A thread in virtual time. */
const thread = (shares = SHARES) => {
  const time = { now: 0, idle: 0 };
  const budget = new ShareOfTime(
    shares,
    () => time.now - time.idle,
    () => time.idle,
  );
  const works = (us: number): void => {
    time.now += us;
  };
  const rests = (us: number): void => {
    time.now += us;
    time.idle += us;
  };
  /** Handshakes of so many microseconds, while there is time. @returns how long they took */
  const handshakes = (us: number, most: number): number => {
    let took = 0;
    budget.refill();
    for (; budget.isLeft && took < most; took += us) {
      budget.start();
      works(us);
      budget.spend(1);
    }
    return took;
  };
  return { time, budget, works, rests, handshakes };
};

test('beside packets that want all of a thread handshakes have a ninth of it', () => {
  const { time, works, handshakes } = thread();
  let taken = 0;
  while (time.now < 1e6) {
    works(200);
    taken += handshakes(50, 400);
  }
  assert.ok(taken > 0.1 * time.now && taken < 0.12 * time.now, `${taken} of ${time.now}`);
});

test('alone they have nearly all of it: a little goes for what carries them', () => {
  const { time, budget, works, rests, handshakes } = thread();
  let taken = 0;
  while (time.now < 1e6) {
    works(40);
    taken += handshakes(50, 400);
    if (!budget.isLeft) rests(budget.untilLeftUs);
  }
  assert.ok(taken > 0.8 * time.now, `${taken} of ${time.now}`);
});

test('what leads to more is charged for it', () => {
  const { budget, works, rests } = thread();
  rests(1e6);
  budget.refill();
  budget.start();
  works(400);
  budget.spend(2);
  assert.deepEqual([budget.isLeft, budget.isPlenty], [true, false]);
  budget.start();
  works(101);
  budget.spend(2);
  assert.equal(budget.untilLeftUs, 402);
});

test('what nobody used is theirs, up to a millisecond', () => {
  const { rests, works, budget, handshakes } = thread();
  rests(1e6);
  assert.equal(handshakes(50, Number.POSITIVE_INFINITY), 1000);
  works(1000);
  assert.deepEqual([budget.isLeft, budget.untilLeftUs], [false, 400]);
  rests(274);
  budget.refill();
  assert.deepEqual([budget.isLeft, budget.untilLeftUs], [false, 1], 'it does not go on for a little');
  rests(1);
  budget.refill();
  assert.ok(budget.isLeft);
});

test('of the time in which a thread does nothing a part may be theirs', () => {
  const { rests, works, budget, handshakes } = thread({ ofBusy: 0.125, ofIdle: 0.25 });
  assert.equal(handshakes(1, 1000), 1000);
  assert.equal(budget.untilLeftUs, 4 * 400);
  works(1000);
  rests(2000);
  assert.equal(handshakes(1, 1000), 125 + 500);
});

test('a thread that does nothing gives all of its time to handshakes, and a quarter of it to strangers', () => {
  const { handshakeTime, strangerTime } = timeShares();
  const waits = [handshakeTime, strangerTime].map((time) => {
    time.refill();
    time.start();
    for (const end = performance.now() + 1; performance.now() < end; );
    // Much more than there is: what is left of it does not matter then.
    time.spend(1000);
    assert.equal(time.isLeft, false);
    return time.untilLeftUs;
  });
  const ratio = (waits[1] as number) / (waits[0] as number);
  assert.ok(ratio > 3.5 && ratio < 4.5, `${ratio}`);
});

test('time in which a thread waited for a core is not what it took', () => {
  const { handshakeTime } = timeShares();
  handshakeTime.start();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  handshakeTime.spend(1);
  assert.ok(handshakeTime.isLeft);
});

test('what took long once is waited for no longer than what may be saved up', () => {
  const { budget, works, rests } = thread();
  budget.refill();
  budget.start();
  works(50_000);
  budget.spend(1);
  assert.equal(budget.isLeft, false);
  assert.equal(budget.untilLeftUs, 1400);
  rests(1400);
  budget.refill();
  assert.equal(budget.isLeft, true);
});
