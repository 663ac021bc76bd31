import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Announcement } from '#protocol/anycast/announcer.ts';
import { AnnouncedPrefixes } from './announced-prefixes.ts';

const ALL: Announcement = { isAnnounced: true, preference: 10, isLeaving: false };
const ALONE: Announcement = { ...ALL, onlyAlone: true };

const prefixes = (): AnnouncedPrefixes => {
  const made = new AnnouncedPrefixes({ own: ['198.51.100.1/32'], fleet: ['198.51.100.0/24'] });
  made.set(['a', 'b']);
  return made;
};

test('all are announced, or those that nobody else does; an own outside address comes along with all of them', () => {
  const made = prefixes();
  assert.deepEqual([made.choose(ALL), made.all], [undefined, ['a', 'b', '198.51.100.0/24']]);
  made.others(new Set(['a']));
  assert.equal(made.isAlone, true);
  assert.deepEqual([...(made.choose(ALONE) ?? [])], ['b', '198.51.100.0/24', '198.51.100.1/32']);
  made.others(new Set(['a', '198.51.100.0/24']));
  assert.deepEqual([...(made.choose(ALONE) ?? [])], ['b']);
  made.others(new Set(made.all));
  assert.deepEqual([made.isAlone, made.choose(ALONE)?.size], [false, 0]);
  made.others(undefined);
  assert.equal(made.isAlone, true, 'nobody is heard: that is no reason to leave anything to others');
});

test('a drain announces nothing that was left to others', () => {
  const made = prefixes();
  made.others(new Set(['a', '198.51.100.0/24']));
  assert.deepEqual([...(made.choose(ALONE) ?? [])], ['b']);
  made.others(new Set(['b']));
  assert.deepEqual([...(made.choose({ ...ALONE, isLeaving: true }) ?? [])], []);
  assert.ok(made.choose(ALONE)?.has('a'), 'but for the drain it would be announced again');
});
