import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../contract.ts';
import { Leases } from './leases.ts';
import { MOST_WINDOW_US } from './options.ts';
import { HELLO, Victim } from './testing/hostile.ts';
import { DatagramKind } from './wire/frame.ts';
import { type Probe, writeProbe } from './wire/probe.ts';
import { UNREACHABLE_COST } from './wire/vector.ts';

const WINDOW = 150_000;
const probe = (more: Partial<Probe> = {}): Probe => ({
  ...{ sequence: 1, sentUs: 0, windowUs: WINDOW, grants: false, unheard: [] },
  ...more,
});

/** Worker 1 of so many, long after it has begun. */
const leases = (members: number, now = 10_000_000) => {
  const made = new Leases(1);
  const others = new Set(Array.from({ length: members - 1 }, (_, i) => i + 2));
  made.setMembers(others, 0);
  return {
    made,
    now,
    hear: (member: number, more: Partial<Probe> = {}, at = now) => made.heard(member, probe(more), WINDOW, at),
  };
};

test('alone it holds its lease for ever; with others until what a majority promised, the sooner of those it needs', () => {
  assert.equal(leases(1).made.leaseUntil(), NEVER);
  const { made, now, hear } = leases(5);
  assert.equal(made.majority, 3);
  assert.equal(made.leaseUntil(), 0);
  const grant = (sentUs: number) => ({ grants: true, echo: { sentUs, delayUs: 0 } });
  hear(2, grant(now - 1000));
  assert.equal(made.leaseUntil(), 0, 'one is no majority');
  hear(3, grant(now - 5000));
  assert.equal(made.leaseUntil(), now - 5000 + WINDOW);
  hear(4, grant(now - 3000));
  assert.equal(made.leaseUntil(), now - 3000 + WINDOW);
  hear(2, grant(now - 9000));
  assert.equal(made.leaseUntil(), now - 3000 + WINDOW, 'an older promise takes nothing back');
  hear(5, { grants: false, echo: { sentUs: now, delayUs: 0 } });
  hear(5, { grants: true });
  hear(5, grant(now + 1));
  assert.equal(made.leaseUntil(), now - 3000 + WINDOW, 'no promise, none without an echo, none of the future');
  made.restarted(2);
  assert.equal(made.leaseUntil(), now - 5000 + WINDOW, 'who starts anew has promised nothing');
  made.restarted(99);
  made.setMembers(new Set([2, 3]), now);
  assert.equal(made.leaseUntil(), now - 5000 + WINDOW, 'of three two are enough');
});

test('a member is dead when a majority does not hear it, each by a word that still counts, or when it says so itself', () => {
  const { made, now, hear } = leases(5);
  for (const member of [2, 3, 4, 5]) hear(member);
  const says = (sentUs: number, unheard: number[]) => ({ echo: { sentUs, delayUs: 0 }, unheard });
  hear(2, says(now, [5]));
  hear(3, says(now - 10, [4, 5]));
  assert.deepEqual([made.accusers(5, now), made.isDead(5, now)], [2, false]);
  assert.deepEqual([made.accuses(2, 5, now), made.accuses(2, 4, now), made.accuses(9, 5, now)], [true, false, false]);
  assert.equal(made.anyAccused(now), true);
  const late = now + WINDOW + 1;
  for (const member of [2, 3, 4]) hear(member, says(now, [5]), late - 1);
  assert.deepEqual(
    [made.hears(5, late), made.accusers(5, late)],
    [false, 1],
    'their words are of a window ago; ours counts',
  );
  for (const member of [2, 3]) hear(member, says(late, [5]), late);
  assert.deepEqual([made.accusers(5, late), made.isDead(5, late)], [3, true]);
  assert.equal(made.isDead(5, late + WINDOW), false, 'until then');
  assert.equal(made.anyAccused(late + WINDOW), false);
  assert.equal(made.isDead(9, late), false, 'no member');
  hear(4, { yields: true }, late);
  assert.deepEqual([made.yields(4), made.isDead(4, late), [...made.unheard(late)]], [true, true, [4, 5]]);
  hear(4, {}, late);
  assert.deepEqual([made.yields(4), made.isDead(4, late)], [false, false]);
});

test('who is not heard for its window is silent, sooner when its host says that it is gone, later by a promise', () => {
  const { made, now, hear } = leases(3);
  hear(2);
  hear(3);
  assert.deepEqual(
    [made.hears(1, now), made.hears(2, now + WINDOW), made.hears(2, now + WINDOW + 1)],
    [true, true, false],
  );
  assert.equal(made.hears(9, now), false);
  assert.equal(made.nextSilence(now), now + WINDOW);
  assert.equal(made.nextSilence(now + WINDOW + 1), NEVER);
  assert.equal(made.promise(2, now + 50, WINDOW, now + 60), true);
  assert.equal(made.hears(2, now + WINDOW + 50), true);
  assert.equal(made.hears(2, now + WINDOW + 51), false);
  assert.equal(made.promise(2, now, WINDOW, now + 60), true);
  assert.equal(made.hears(2, now + WINDOW + 50), true, 'a promise is kept');
  made.refused(3, 60_000);
  assert.deepEqual([made.hears(3, now + 60_000), made.hears(3, now + 60_001)], [true, false]);
  assert.equal(made.nextSilence(now), now + 60_000);
  hear(3, {}, now + 1000);
  assert.equal(made.hears(3, now + 60_001), true, 'it is there after all');
  made.refused(99, 0);
  assert.equal(made.promise(99, now, WINDOW, now), false);
});

test('whom we have called dead gets no promise until nobody can count that any more', () => {
  const { made, now, hear } = leases(3);
  hear(2);
  made.accused(2, WINDOW, now);
  made.accused(2, 10, now + 1);
  made.accused(99, 10, now);
  assert.equal(made.promise(2, now, WINDOW, now + WINDOW), false);
  assert.equal(made.promise(2, now, WINDOW, now + WINDOW + 1), true);
  const fresh = new Leases(1);
  fresh.setMembers(new Set([2]), 0);
  assert.equal(fresh.promise(2, 0, WINDOW, MOST_WINDOW_US), false, 'what was said before a restart counts too');
  assert.equal(fresh.promise(2, 0, WINDOW, MOST_WINDOW_US + 1), true);
});

test('two are apart when either does not hear the other; a majority is reached by those that are not', () => {
  const { made, now, hear } = leases(5);
  for (const member of [2, 3, 4, 5]) hear(member);
  assert.deepEqual([[...made.apart(now)], made.reachesMajority(now)], [[], true]);
  hear(2, { unheard: [1] });
  hear(3, { unheard: [1, 4] });
  assert.deepEqual([[...made.apart(now)], made.areApart(2, now), made.areApart(4, now)], [[2, 3], true, false]);
  assert.equal(made.reachesMajority(now), true, 'three of five');
  hear(4, { unheard: [1] });
  assert.equal(made.reachesMajority(now), false);
  hear(4);
  const late = now + WINDOW + 1;
  hear(5, {}, late);
  assert.deepEqual([...made.apart(late)], [2, 3, 4]);
  assert.equal(made.reachesMajority(late), false);
});

test('what operators are shown of a member before and after it has said anything', () => {
  const victim = new Victim();
  const [before, third] = victim.mesh.status(victim.now);
  assert.deepEqual(before, {
    ...{
      member: 2,
      isLinked: false,
      isHeard: true,
      isDead: false,
      rttMs: undefined,
      loss: 0,
      via: -1,
      costMs: undefined,
    },
  });
  assert.equal(third?.member, 3);
  victim.says(HELLO);
  // An echo of what we sent 20 ms ago, held for 4.
  const echo = { sentUs: victim.now - 20_000, delayUs: 4000 };
  victim.sends(Uint8Array.of(DatagramKind.probe, ...writeProbe(probe({ echo }))));
  const [after] = victim.mesh.status(victim.now);
  assert.deepEqual([after?.isLinked, after?.rttMs, after?.via, after?.costMs, after?.loss], [true, 16, 0, 16, 0]);
  assert.equal(victim.mesh.directCost(2, victim.now), 160);
  assert.equal(victim.mesh.directCost(4, victim.now), UNREACHABLE_COST);
});
