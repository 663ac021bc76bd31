import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameType, frameOf } from '../wire/frame.ts';
import {
  readConfirmation,
  readDigest,
  readHave,
  readUpdates,
  readWant,
  type Update,
  writeConfirmation,
  writeUpdates,
} from '../wire/presence.ts';
import { Reader } from '../wire/reader.ts';
import { readRelay } from '../wire/relay.ts';
import { TAKEOVER_US } from './claims.ts';
import { Comparison } from './comparison.ts';
import { leafOf } from './digest-tree.ts';
import { Gossip } from './gossip.ts';
import { EPOCH_END, goneOf, type PresenceRecord } from './record.ts';
import { PresenceTable } from './table.ts';

const record = (key: string, epoch = 1, member = 2): PresenceRecord => ({
  ...{ key, epoch, member, gone: false, data: Uint8Array.of(epoch) },
});
const typeOf = (frame: Uint8Array): number => frame[0] as number;
const readerOf = (frame: Uint8Array): Reader => new Reader(frame, 3, frame.length);

/** One side of a comparison, and the keys that it was asked for or thought that the other lacks. */
const sideOf = (knowsRevisions: boolean, ...records: readonly PresenceRecord[]) => {
  const table = new PresenceTable(10_000);
  for (const one of records) table.apply(one, 0);
  const comparison = new Comparison(table, () => knowsRevisions);
  const told = new Set<string>();
  /** @returns what it says to the other's frame, of records */
  const take = (frame: Uint8Array): void => {
    if (typeOf(frame) === FrameType.digest) comparison.digest(readDigest(readerOf(frame)));
    else if (typeOf(frame) === FrameType.have) comparison.have(readHave(readerOf(frame)), (key) => told.add(key));
    else for (const key of readWant(readerOf(frame))) told.add(key);
  };
  return { table, comparison, told, take };
};
const side = (...records: readonly PresenceRecord[]) => sideOf(true, ...records);
type Side = ReturnType<typeof side>;

/** Lets both say what they have to say. @returns how many frames it took */
const talk = (a: Side, b: Side): number => {
  let frames = 0;
  a.comparison.begin();
  b.comparison.begin();
  for (;;) {
    const [fromA, fromB] = [a.comparison.next(), b.comparison.next()];
    if (fromA !== undefined) b.take(fromA);
    if (fromB !== undefined) a.take(fromB);
    if (fromA === undefined && fromB === undefined) return frames;
    frames += Number(fromA !== undefined) + Number(fromB !== undefined);
    assert.ok(frames < 1000);
  }
};

const many = Array.from({ length: 500 }, (_, i) => record(`tenant/device-${i}`));

test('tables that are the same are found to be by one frame of each', () => {
  const [a, b] = [side(...many), side(...many)];
  assert.equal(talk(a, b), 2);
  assert.deepEqual([a.comparison.hasDiffered, a.comparison.isIdle(), a.told.size, b.told.size], [false, true, 0, 0]);
});

test('each is told what the other has and it has not, or has older, by a few frames a difference', () => {
  const a = side(...many, record('only/a'), record('both/newer-at-a', 7), record('both/at-two', 5, 3));
  const b = side(...many, record('only/b'), record('both/newer-at-a', 6), record('both/at-two', 5, 4));
  const frames = talk(a, b);
  assert.deepEqual([...a.told].sort(), ['both/newer-at-a', 'only/a']);
  assert.deepEqual([...b.told].sort(), ['both/at-two', 'only/b']);
  assert.ok(frames < 80, `${frames}`);
  assert.equal(a.comparison.hasDiffered, true);
  assert.ok(a.comparison.isIdle() && b.comparison.isIdle());
});

test('who left here and is there for the other is told of', () => {
  const [a, b] = [side(goneOf(record('x/1', 5))), side(record('x/1', 5))];
  talk(a, b);
  assert.deepEqual([[...a.told], [...b.told]], [['x/1'], ['x/1']], 'and the other says what it has');
  const [c, d] = [side(goneOf(record('x/1', 5))), side(record('x/1', 6))];
  talk(c, d);
  assert.deepEqual([[...c.told], [...d.told]], [[], ['x/1']], 'it came back: that is wanted');
});

/** The first keys that fall into the leaf of `k0`, found by trying three million. */
const OF_ONE_LEAF = [
  0, 1425, 83977, 145902, 208388, 216000, 276396, 324011, 389504, 419298, 422838, 446170, 628978, 819558, 873490,
  1056434, 1085111, 1216896, 1361831, 1395130, 1498687, 1511690, 1523499, 1536805, 1538322, 1559583, 1700374, 1728268,
  1730063, 1799301, 1910222, 1928624, 2050865, 2054292, 2155115, 2357288, 2422510, 2444122, 2603308, 2606731, 2670213,
  2720415, 2881063, 2992219, 3001934, 3012576, 3088705, 3230358, 3328106, 3437953, 3504021, 3539103,
]
  .map((n) => `k${n}`)
  .sort();

test('a leaf is told in pieces of fifty, and so is what is wanted of it', () => {
  const keys = OF_ONE_LEAF;
  const [a, b] = [side(), side(...keys.map((key) => record(key)))];
  const leaf = leafOf('k0');
  for (const key of keys) assert.equal(leafOf(key), leaf);
  b.comparison.have({ leaf, after: '', toEnd: true, entries: [] }, (key) => b.told.add(key));
  assert.equal(b.told.size, 52, 'all that it has, where the other has none');
  b.told.clear();
  b.comparison.have({ leaf, after: keys[9] as string, toEnd: false, entries: [record(keys[19] as string)] }, (key) =>
    b.told.add(key),
  );
  assert.deepEqual([...b.told], keys.slice(10, 19), 'of a piece only what lies in it');
  assert.ok(talk(a, b) > 4);
  assert.equal(b.told.size, 52);
  const wants: number[] = [];
  a.comparison.have({ leaf, after: '', toEnd: true, entries: keys.map((key) => record(key)) }, () => {});
  for (let frame = a.comparison.next(); frame !== undefined; frame = a.comparison.next())
    wants.push(readWant(readerOf(frame)).length);
  assert.deepEqual(wants, [50, 2]);
});

test('of many differences some wait for the next time, and nothing is asked for twice', () => {
  const [a, b] = [side(...many), side()];
  talk(a, b);
  assert.ok(a.told.size > 0 && a.told.size < 500, `${a.told.size}`);
  assert.ok(a.comparison.hasDiffered);
  a.comparison.begin();
  a.comparison.begin();
  let frames = 0;
  for (; a.comparison.next() !== undefined; frames++);
  assert.equal(frames, 1, 'the root is waiting already');
  a.comparison.begin();
  a.comparison.clear();
  assert.deepEqual([a.comparison.isIdle(), a.comparison.hasDiffered, a.comparison.next()], [true, false, undefined]);
});

test('of a change the one who has not heard is told; with a member that knows of none it is left alone', () => {
  const changed = { ...record('a/phone'), revision: 2 };
  for (const [mine, theirs] of [
    [changed, record('a/phone')],
    [changed, { ...changed, revision: 1 }],
  ] as const) {
    const [a, b] = [side(mine), side(theirs)];
    talk(a, b);
    assert.deepEqual([[...a.told], [...b.told]], [['a/phone'], []]);
  }
  const [left, before] = [side(goneOf(changed)), side(changed)];
  talk(left, before);
  assert.deepEqual([...left.told], ['a/phone']);
  const [a, b] = [sideOf(false, changed), side(record('a/phone'))];
  talk(a, b);
  assert.deepEqual([[...a.told], [...b.told], a.comparison.hasDiffered], [[], [], true]);
});

/** Member 1 of four, who tells what it hears. */
const gossiping = ({ split = false, apart = [] as number[], most = 1000 } = {}) => {
  const heard: string[] = [];
  const dead = new Set<number>();
  const gossip = new Gossip({
    ...{ own: 1, most, isDead: (member) => dead.has(member), isSplit: () => split, knowsRevisions: () => true },
    areApart: (a, b) => split && apart.includes(a) && !apart.includes(b),
    sink: {
      presence: ({ key, member, gone }) => heard.push(`${key} ${gone ? 'gone' : member}`),
      superseded: ({ key }) => heard.push(`${key} superseded`),
      settled: (key, epoch, why) => heard.push(`${key} settled ${epoch} ${why}`),
    },
  });
  gossip.setMembers(new Set([2, 3, 4]), 0);
  const says = (from: number, type: FrameType, payload: Uint8Array, now = 0): void =>
    gossip.receive(type, new Reader(payload, 0, payload.length), from, now);
  const updates = (from: number, ...all: readonly Update[]): void =>
    says(
      from,
      FrameType.update,
      writeUpdates(all, () => {}),
    );
  /** What waits for a member: records, with a `?` where it is to confirm, and confirmations. */
  const toMember = (member: number): string[] => {
    const found: string[] = [];
    for (let frame = gossip.next(member); frame !== undefined; frame = gossip.next(member)) {
      const reader = readerOf(frame);
      if (typeOf(frame) === FrameType.confirm) {
        const { key, epoch } = readConfirmation(reader);
        found.push(`${key} confirmed ${epoch}`);
      } else if (typeOf(frame) === FrameType.update)
        for (const { record: one, asks } of readUpdates(reader))
          found.push(`${one.key} ${one.gone ? 'gone' : one.member} ${one.epoch}${asks ? '?' : ''}`);
    }
    return found;
  };
  return { gossip, heard, dead, says, updates, toMember };
};
const DATA = Uint8Array.of(1);

test('a device that nobody had is served at once, and all are told; one that somebody had when that one has confirmed', () => {
  const { gossip, heard, toMember, says, updates } = gossiping();
  assert.equal(gossip.arrive('a/1', DATA, 7, undefined, 0), 7);
  assert.deepEqual(heard, ['a/1 1', 'a/1 settled 7 new']);
  for (const member of [2, 3, 4]) assert.deepEqual(toMember(member), ['a/1 1 7']);
  assert.equal(gossip.isLocal('a/1'), true);
  updates(2, { record: record('a/2', 9, 2), asks: false });
  heard.length = 0;
  assert.equal(gossip.arrive('a/2', DATA, 3, { epoch: 9, member: 3 }, 0), 10, 'above what is known');
  assert.deepEqual(heard, ['a/2 1'], 'it waits');
  assert.deepEqual([toMember(2), toMember(3), toMember(4)], [['a/2 1 10?'], ['a/2 1 10?'], ['a/2 1 10']]);
  says(2, FrameType.confirm, writeConfirmation({ key: 'a/2', epoch: 10 }));
  assert.equal(heard.length, 1);
  says(3, FrameType.confirm, writeConfirmation({ key: 'a/2', epoch: 11 }));
  assert.deepEqual(heard.slice(1), ['a/2 settled 10 confirmed']);
  assert.throws(() => gossip.arrive('a 3', DATA, 1, undefined, 0), RangeError);
});

test('nobody waits for the dead, for who is no member, for itself, nor for ever', () => {
  const { gossip, heard, dead, toMember } = gossiping();
  dead.add(3);
  for (const last of [3, 9, 1]) gossip.arrive(`a/${last}`, DATA, 1, { epoch: 0, member: last }, 0);
  assert.equal(heard.filter((line) => line.includes('settled 1 new')).length, 3);
  gossip.arrive('b/2', DATA, 1, { epoch: 0, member: 2 }, 0);
  gossip.arrive('b/4', DATA, 1, { epoch: 0, member: 4 }, 0);
  toMember(2);
  gossip.run(100_000);
  assert.deepEqual(toMember(2), ['b/2 1 1?'], 'asked again');
  gossip.free(4, 100_000);
  assert.equal(heard.at(-1), 'b/4 settled 1 dead');
  assert.equal(gossip.deadline(), 200_000);
  gossip.run(TAKEOVER_US);
  assert.equal(heard.at(-1), 'b/2 settled 1 timeout');
});

test('who moved away is superseded here, and whoever asks is answered by the epoch that holds', () => {
  const { gossip, heard, toMember, updates } = gossiping();
  gossip.arrive('a/1', DATA, 5, undefined, 0);
  for (const member of [2, 3, 4]) toMember(member);
  updates(2, { record: record('a/1', 4, 2), asks: true });
  assert.deepEqual(toMember(2), ['a/1 1 5'], 'it is still here: what counts is told');
  assert.equal(gossip.counters.stale, 1);
  updates(2, { record: record('a/1', 6, 2), asks: true });
  assert.deepEqual(heard.slice(-2), ['a/1 superseded', 'a/1 2']);
  assert.deepEqual([toMember(2), gossip.isLocal('a/1')], [['a/1 confirmed 6'], false]);
  updates(3, { record: record('a/1', 3, 3), asks: true });
  assert.deepEqual(toMember(3), ['a/1 confirmed 6', 'a/1 2 6']);
  updates(3, { record: record('b/1', 1, 9), asks: true });
  assert.deepEqual([gossip.counters.refused, toMember(3)], [1, []], 'of who is no member');
});

test('a device that left is gone for all; one that others say is here comes back with a higher epoch, or is gone', () => {
  const { gossip, heard, toMember, updates } = gossiping();
  gossip.arrive('a/1', DATA, 5, undefined, 0);
  gossip.leave('a/1', 0);
  gossip.leave('a/1', 0);
  assert.deepEqual(toMember(2), ['a/1 gone 5']);
  assert.equal(heard.filter((line) => line === 'a/1 gone').length, 1);
  gossip.arrive('b/1', DATA, 5, undefined, 0);
  for (const member of [2, 3, 4]) toMember(member);
  updates(2, { record: record('b/1', 9, 1), asks: false });
  assert.deepEqual(toMember(3), ['b/1 1 10']);
  updates(2, { record: record('c/1', 9, 1), asks: false });
  assert.deepEqual(toMember(3), ['c/1 gone 9']);
  updates(2, { record: record('b/1', EPOCH_END - 1, 1), asks: false });
  assert.deepEqual(gossip.table.get('b/1')?.epoch, EPOCH_END - 1, 'the last there is');
});

test('what a member says of its own device is handed on to those that cannot hear it', () => {
  const { toMember, updates, gossip } = gossiping({ split: true, apart: [3] });
  updates(2, { record: record('a/1', 5, 2), asks: false });
  assert.deepEqual([toMember(3), toMember(4), toMember(2)], [['a/1 2 5'], [], []]);
  updates(2, { record: record('a/2', 5, 4), asks: false });
  assert.deepEqual(toMember(3), [], 'of another’s it is hearsay');
  updates(2, { record: record('a/3', 5, 2), asks: false });
  const relayed = gossip.nextRelayed(3) ?? assert.fail();
  assert.equal(typeOf(relayed), FrameType.relay);
  const { from, to, type } = readRelay(readerOf(relayed));
  assert.deepEqual(
    [from, to, type, gossip.nextRelayed(3), gossip.nextRelayed(9)],
    [1, 3, FrameType.update, undefined, undefined],
  );
  const whole = gossiping();
  whole.updates(2, { record: record('a/1', 5, 2), asks: false });
  assert.deepEqual(whole.toMember(3), []);
});

test('a table that is full takes no more, of a member that is none nothing is kept', () => {
  const { gossip, updates, heard, says } = gossiping({ most: 2 });
  updates(2, ...['a', 'b', 'c'].map((key) => ({ record: record(key), asks: false })));
  assert.deepEqual([gossip.table.size, gossip.counters.refused, gossip.counters.received], [2, 1, 3]);
  updates(9, { record: record('a', 9, 2), asks: false });
  assert.equal(gossip.counters.received, 3);
  gossip.setMembers(new Set([3, 4]), 0);
  assert.deepEqual([gossip.table.size, heard.slice(-2)], [0, ['a gone', 'b gone']]);
  assert.equal(gossip.isBusy(2), false);
  says(3, FrameType.want, frameOf(FrameType.want, new Uint8Array()).subarray(3));
});

test('something waits until it is told; a new link begins anew', () => {
  const { gossip, toMember } = gossiping();
  assert.deepEqual([gossip.isBusy(2), gossip.hasPressing(2), gossip.hasPressing(9)], [false, false, false]);
  gossip.arrive('a/1', DATA, 5, undefined, 0);
  assert.deepEqual([gossip.isBusy(2), gossip.hasPressing(2), gossip.localCount], [true, true, 1]);
  toMember(2);
  assert.deepEqual([gossip.isBusy(2), gossip.hasPressing(2), gossip.isBusy(3)], [false, false, true]);
  gossip.hasNews = false;
  assert.equal(gossip.compare(2), false);
  assert.deepEqual([gossip.isBusy(2), gossip.hasPressing(2), gossip.hasNews], [true, false, true]);
  gossip.reset(2);
  gossip.reset(3);
  assert.deepEqual([gossip.isBusy(2), gossip.isBusy(3)], [false, false]);
  assert.equal(gossip.compare(9), false);
});
