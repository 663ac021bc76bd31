import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from '../contract.ts';
import {
  ANNOUNCER_RULES,
  type Announcement,
  type AnnouncementSlot,
  Announcer,
  type AnnouncerInput,
  type AnnouncerRules,
  type AnycastOrder,
} from './announcer.ts';

const MS = 1000;
const SECOND = 1000 * MS;
const RULES: AnnouncerRules = {
  ...ANNOUNCER_RULES,
  checks: [
    { name: 'threads', effect: 'withdraw', failures: 1, stableUs: 2 * SECOND },
    { name: 'upstream', effect: 'unless-last', failures: 3, stableUs: 2 * SECOND },
    { name: 'control', effect: 'show', failures: 1, stableUs: 0 },
  ],
};

const LAST_CHOICE: Announcement = { isAnnounced: true, preference: 0, isLeaving: false, onlyAlone: true };

class Told {
  readonly announcer = new Announcer(RULES);
  readonly said: Announcement[] = [];
  now = 0;

  give(input: AnnouncerInput): void {
    this.announcer.handle(input, this.now);
    const out: AnnouncementSlot = { announcement: { isAnnounced: false, preference: 0, isLeaving: false } };
    while (this.announcer.poll(this.now, out)) this.said.push(out.announcement);
  }
  check(name: string, reason?: string): void {
    this.give({ type: 'check', name, ...(reason !== undefined && { reason }) });
  }
  order(order: AnycastOrder): void {
    this.give({ type: 'order', order });
  }
  /** To `us` from the start, by way of each deadline. */
  until(us: number): void {
    for (let at = this.announcer.deadline(); at <= us; at = this.announcer.deadline()) {
      assert.ok(at >= this.now, 'a deadline lies ahead');
      this.now = at;
      const before = [this.announcer.state, this.said.length];
      this.give({ type: 'time' });
      assert.ok(
        this.announcer.deadline() > at || before[0] !== this.announcer.state || before[1] !== this.said.length,
        'a deadline that passed brought something',
      );
    }
    this.now = us;
    this.give({ type: 'time' });
  }
  get last(): Announcement {
    return this.said.at(-1) ?? { isAnnounced: false, preference: 0, isLeaving: false };
  }
}

const served = (): Told => {
  const told = new Told();
  told.check('threads');
  told.check('upstream');
  return told;
};

test('nothing is announced before each check has held, then all at once', () => {
  const told = new Told();
  told.check('threads');
  assert.deepEqual([told.announcer.state, told.said.length], ['waiting', 0]);
  told.check('upstream');
  assert.equal(told.announcer.state, 'announced');
  assert.deepEqual(told.said, [{ isAnnounced: true, preference: 10, isLeaving: false }]);
});

test('a failed check withdraws in the same call, and a tenth comes back each 5 s after it held for long enough', () => {
  const told = served();
  told.now = 10 * SECOND;
  told.check('threads', 'thread 1 is silent');
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['failed', false]);
  told.now = 11 * SECOND;
  told.check('threads');
  told.until(13 * SECOND - 1);
  assert.equal(told.last.isAnnounced, false);
  told.until(13 * SECOND);
  assert.deepEqual([told.announcer.state, told.last.preference], ['returning', 1]);
  told.until(13 * SECOND + 44 * SECOND);
  assert.deepEqual([told.announcer.state, told.last.preference], ['returning', 9]);
  told.until(13 * SECOND + 45 * SECOND);
  assert.deepEqual([told.announcer.state, told.last.preference], ['announced', 10]);
  assert.equal(told.announcer.deadline(), NEVER);
});

test('a check that fails again before it counts begins anew', () => {
  const told = served();
  told.check('threads', 'silent');
  told.now = SECOND;
  told.check('threads');
  told.now = 2 * SECOND;
  told.check('threads', 'silent');
  told.now = 2.5 * SECOND;
  told.check('threads');
  told.until(4 * SECOND);
  assert.equal(told.announcer.state, 'failed');
  told.until(4.5 * SECOND);
  assert.equal(told.announcer.state, 'returning');
});

test('one failure of a check that takes three changes nothing; three withdraw it where others announce', () => {
  const told = served();
  told.give({ type: 'alone', isAlone: false });
  told.check('upstream', 'no answer');
  told.check('upstream', 'no answer');
  told.check('upstream');
  told.check('upstream', 'no answer');
  told.check('upstream', 'no answer');
  assert.equal(told.announcer.state, 'announced');
  told.check('upstream', 'no answer');
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['failed', false]);
});

test('the last one, or one that hears nobody, goes on as the last choice when its upstream check fails', () => {
  const told = served();
  for (let i = 0; i < 3; i++) told.check('upstream', 'no answer');
  assert.equal(told.announcer.state, 'last');
  assert.deepEqual(told.last, LAST_CHOICE);
  told.give({ type: 'alone', isAlone: false });
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['failed', false]);
  told.give({ type: 'alone', isAlone: true });
  assert.deepEqual([told.announcer.state, told.last], ['last', LAST_CHOICE]);
  told.check('threads', 'silent');
  assert.equal(told.last.isAnnounced, false, 'who cannot forward is no choice at all');
});

test('a worker that merely hears nobody of its control plane goes on', () => {
  const told = served();
  told.check('control', 'silent for an hour');
  assert.deepEqual([told.announcer.state, told.said.length], ['announced', 1]);
  const shown = [...told.announcer.checks].find(({ rules }) => rules.name === 'control');
  assert.deepEqual([shown?.state, shown?.reason], ['failed', 'silent for an hour']);
});

test('a drain leaves first, withdraws when all have moved, and says so', () => {
  const told = served();
  told.give({ type: 'sessions', count: 7 });
  told.now = 5 * SECOND;
  told.order('drain');
  assert.deepEqual(told.last, { isAnnounced: true, preference: 0, isLeaving: true });
  told.now = 5.2 * SECOND;
  told.give({ type: 'sessions', count: 0 });
  assert.equal(told.announcer.state, 'draining', 'routers have not heard of it for long enough');
  told.until(6 * SECOND);
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['drained', false]);
  assert.deepEqual(told.announcer.drain, {
    sessions: 7,
    left: 0,
    startedUs: 5 * SECOND,
    ended: { how: 'moved', atUs: 6 * SECOND },
  });
  told.order('serve');
  assert.deepEqual([told.announcer.state, told.last.preference], ['returning', 1]);
});

test('a drain ends at its deadline with what is left', () => {
  const told = served();
  told.give({ type: 'sessions', count: 7 });
  told.order('drain');
  told.give({ type: 'sessions', count: 3 });
  told.until(60 * SECOND);
  assert.equal(told.announcer.state, 'drained');
  assert.deepEqual(told.announcer.drain?.ended, { how: 'deadline', atUs: 60 * SECOND });
  assert.equal(told.announcer.drain?.left, 3);
});

test('a drain that is undone comes back in steps', () => {
  const told = served();
  told.give({ type: 'sessions', count: 7 });
  told.order('drain');
  told.now = SECOND;
  told.order('serve');
  assert.equal(told.announcer.drain?.ended?.how, 'undone');
  assert.deepEqual(told.last, { isAnnounced: true, preference: 1, isLeaving: false });
});

test('an order before anything holds is kept', () => {
  const told = new Told();
  told.order('drain');
  told.check('threads');
  told.check('upstream');
  assert.deepEqual([told.announcer.state, told.said.length], ['draining', 0]);
  told.until(SECOND);
  told.order('withdraw');
  assert.deepEqual([told.announcer.state, told.said.length], ['withdrawn', 0]);
});

test('what comes and goes is held back, for longer each time, until an operator says that it is mended', () => {
  const told = served();
  const flap = (): void => {
    told.check('threads', 'silent');
    told.now += 100 * MS;
    told.check('threads');
    told.until(told.now + 2 * SECOND);
  };
  flap();
  flap();
  assert.equal(told.announcer.state, 'returning');
  flap();
  assert.deepEqual([told.announcer.state, told.announcer.held], ['held', 1]);
  told.order('withdraw');
  told.order('serve');
  assert.equal(told.announcer.state, 'returning');
});

test('a drain announces nothing that was withdrawn: by order, by a check, held back, or for others', () => {
  const byOrder = served();
  byOrder.order('withdraw');
  byOrder.order('drain');
  assert.deepEqual([byOrder.announcer.state, byOrder.last.isAnnounced], ['draining', false]);
  const byCheck = served();
  byCheck.check('threads', 'silent');
  byCheck.order('drain');
  byCheck.check('threads');
  byCheck.until(10 * SECOND);
  assert.ok(byCheck.said.every(({ isLeaving }) => !isLeaving));
  const held = served();
  for (let i = 0; i < 3; i++) {
    held.check('threads', 'silent');
    held.check('threads');
    held.until(held.now + 2 * SECOND);
  }
  assert.equal(held.announcer.state, 'held');
  held.order('drain');
  assert.equal(held.last.isAnnounced, false);
  const forOthers = served();
  forOthers.give({ type: 'alone', isAlone: false });
  for (let i = 0; i < 3; i++) forOthers.check('upstream', 'no answer');
  forOthers.order('drain');
  assert.deepEqual([forOthers.announcer.state, forOthers.last.isAnnounced], ['failed', false]);
});

test('while it drains failed checks withdraw, and nothing but an order to serve brings it back', () => {
  const told = served();
  told.give({ type: 'sessions', count: 7 });
  told.order('drain');
  assert.equal(told.last.isAnnounced, true);
  assert.equal(told.last.onlyAlone, undefined);
  for (let i = 0; i < 3; i++) told.check('upstream', 'no answer');
  assert.equal(told.announcer.state, 'draining');
  assert.deepEqual(told.last, { ...LAST_CHOICE, isLeaving: true }, 'what others have is theirs');
  told.give({ type: 'alone', isAlone: false });
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['failed', false]);
  told.check('upstream');
  told.until(5 * SECOND);
  assert.deepEqual([told.announcer.state, told.last.isAnnounced], ['draining', false]);
  told.order('serve');
  assert.equal(told.announcer.state, 'returning');
});

test('whatever checks, orders and flaps do: what is withdrawn stays so until it may come back, and nothing is said twice', () => {
  const reason = fc.option(fc.constant('bad'), { nil: undefined });
  const check = fc.record({
    type: fc.constant('check' as const),
    name: fc.constantFrom('threads', 'upstream', 'control'),
    reason,
  });
  const input = fc.oneof(
    { weight: 4, arbitrary: check },
    fc.record({
      type: fc.constant('order' as const),
      order: fc.constantFrom<AnycastOrder>('serve', 'drain', 'withdraw'),
    }),
    fc.record({ type: fc.constant('sessions' as const), count: fc.nat(3) }),
    fc.record({ type: fc.constant('alone' as const), isAlone: fc.boolean() }),
    fc.constant({ type: 'time' as const }),
  );
  const later = fc.oneof(fc.nat(20 * SECOND), fc.nat(3 * SECOND), fc.constant(0));
  const flap: [AnnouncerInput, number][] = [
    [{ type: 'check', name: 'threads', reason: 'silent' }, 100 * MS],
    [{ type: 'check', name: 'threads' }, 2 * SECOND],
  ];
  const seen = new Set<string>();
  // What comes and goes three times is held back.
  const some = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(input, later).map((one) => [one]) },
    { weight: 1, arbitrary: fc.constant([...flap, ...flap, ...flap]) },
  );
  const steps = fc.array(some, { maxLength: 60 }).map((parts) => parts.flat() as [AnnouncerInput, number][]);
  fc.assert(
    fc.property(steps, (all) => {
      const told = new Told();
      for (const name of ['threads', 'upstream']) told.check(name);
      let order: AnycastOrder = 'serve';
      let isAlone = true;
      let heldUntil = 0;
      const look = (before: boolean, held: number): void => {
        const { isAnnounced } = told.last;
        seen.add(`${order} ${told.announcer.state}`);
        if (told.announcer.held > held) heldUntil = told.now + ANNOUNCER_RULES.flaps.holdUs;
        const stateOf = (name: string) => [...told.announcer.checks].find(({ rules }) => rules.name === name)?.state;
        if (stateOf('threads') !== 'holds') assert.equal(isAnnounced, false, 'it cannot forward');
        if (stateOf('upstream') === 'failed' && !isAlone) assert.equal(isAnnounced, false, 'others lead somewhere');
        if (order === 'withdraw') assert.equal(isAnnounced, false, 'by order');
        if (order !== 'serve' && !before) assert.equal(isAnnounced, false, 'only who is to serve comes back');
        if (order !== 'drain') assert.equal(told.last.isLeaving, false);
        if (told.announcer.state === 'drained') assert.equal(isAnnounced, false, 'drained');
        if (told.now < heldUntil) assert.equal(isAnnounced, false, 'held back');
      };
      for (const [given, us] of all) {
        const { reason: why, ...rest } = given as AnnouncerInput & { reason?: string };
        let [before, held] = [told.last.isAnnounced, told.announcer.held];
        if (given.type === 'order') {
          if (given.order === 'serve' && order !== 'serve') heldUntil = 0;
          order = given.order;
        }
        if (given.type === 'alone') ({ isAlone } = given);
        told.give((why === undefined ? rest : given) as AnnouncerInput);
        look(before, held);
        [before, held] = [told.last.isAnnounced, told.announcer.held];
        told.until(told.now + us);
        look(before, held);
        for (const [i, one] of told.said.entries()) if (i > 0) assert.notDeepEqual(one, told.said[i - 1]);
      }
    }),
    { numRuns: 300 },
  );
  for (const state of ['announced', 'returning', 'last', 'failed', 'held'])
    assert.ok(seen.has(`serve ${state}`), state);
  for (const state of ['draining', 'drained', 'failed']) assert.ok(seen.has(`drain ${state}`), state);
});
