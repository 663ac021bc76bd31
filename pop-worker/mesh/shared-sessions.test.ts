import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError } from '#protocol/mesh/errors.ts';
import { FRAME_HEADER_BYTES, FrameType } from '#protocol/mesh/wire/frame.ts';
import { readSections, SectionWriter } from '#protocol/nat/wire.ts';
import { ranked } from './buddies.ts';
import { SESSIONS, SharedSessions } from './shared-sessions.ts';

const KEY = 'red/phone';
const head = { key: KEY, address: 0xcb007140, port: 1024, ports: 64 };
const flow = (n: number, state = 2) => ({
  ...{ protocol: 6, state, innerAddress: 0x0a400002, innerPort: 40_000 + n, outerPort: 1024 + n },
  ...{ remoteAddress: 0xc6336401, remotePort: 443 },
});

/** Members with links to all others; what they send arrives at once. */
class Fleet {
  readonly members = new Map<number, SharedSessions>();
  /** Sessions that a member's thread was told. */
  readonly threads = new Map<number, number>();
  readonly cut = new Set<number>();

  constructor(count: number) {
    for (let own = 1; own <= count; own++) {
      this.members.set(
        own,
        new SharedSessions({
          kind: SESSIONS,
          own,
          members: () => [...this.members.keys()],
          isReady: (member) => !this.cut.has(member) && !this.cut.has(own),
          room: () => true,
          send: (member, frame) => this.#deliver(own, member, frame),
          toThread: (_, message) => {
            let flows = 0;
            readSections(message, 0, message.length, ({ count: sessions }) => {
              flows += sessions;
            });
            this.threads.set(own, (this.threads.get(own) ?? 0) + flows);
            return true;
          },
        }),
      );
    }
  }

  at(member: number): SharedSessions {
    return this.members.get(member) as SharedSessions;
  }

  #deliver(from: number, to: number, frame: Uint8Array): void {
    const payload = frame.slice(FRAME_HEADER_BYTES);
    if (frame[0] === FrameType.sessions) this.at(to).receive(payload);
    else this.at(to).asked(from, String.fromCharCode(...payload.subarray(1)));
  }

  /** A member's thread says that so many sessions are there, or gone. */
  say(member: number, from: number, to: number, state = 2): void {
    const writer = new SectionWriter();
    for (let n = from; n < to; n++) writer.add(head, flow(n, state));
    const message = writer.take();
    this.at(member).fromThread(message, 0, message.length);
  }

  flows(): number[] {
    return [...this.members.values()].map(({ replicas }) => replicas.flows);
  }
}

test('two members keep the sessions of a device besides who has it; each learns of their end', () => {
  const fleet = new Fleet(6);
  fleet.at(1).attached(KEY, 0);
  fleet.say(1, 0, 10);
  const buddies = ranked(KEY, fleet.members.keys(), 1, 2);
  assert.deepEqual(
    fleet.flows(),
    [1, 2, 3, 4, 5, 6].map((member) => (member === 1 || buddies.includes(member) ? 10 : 0)),
  );
  fleet.say(1, 0, 4, 0);
  assert.deepEqual(new Set(fleet.flows()), new Set([6, 0]));
});

test('whichever member a device comes to has its sessions, when who had it is gone', () => {
  for (const next of [2, 3, 4, 5, 6]) {
    const fleet = new Fleet(6);
    fleet.at(1).attached(KEY, 0);
    fleet.say(1, 0, 10);
    fleet.cut.add(1);
    fleet.at(next).attached(KEY, 0);
    assert.ok((fleet.threads.get(next) ?? 0) >= 10, `member ${next}`);
    // Its own two have them from then on.
    for (const buddy of ranked(KEY, fleet.members.keys(), next, 2)) {
      if (buddy !== 1) assert.equal(fleet.at(buddy).replicas.flows, 10, `member ${buddy} after ${next}`);
    }
  }
});

test('a member that could not be told is told all when its link is back', () => {
  const fleet = new Fleet(3);
  fleet.at(1).attached(KEY, 0);
  fleet.cut.add(2);
  fleet.say(1, 0, 2000);
  assert.equal(fleet.at(2).replicas.flows, 0);
  fleet.cut.clear();
  fleet.at(1).linked(2);
  assert.ok(fleet.at(1).isBusy);
  fleet.at(1).run(0);
  assert.ok(!fleet.at(1).isBusy);
  assert.equal(fleet.at(2).replicas.flows, fleet.at(1).replicas.flows);
});

test('what others keep instead is forgotten, who is gone ten minutes later', () => {
  const fleet = new Fleet(6);
  fleet.at(1).attached(KEY, 0);
  fleet.say(1, 0, 10);
  fleet.at(1).detached(KEY, 1000);
  const [other = 0] = ranked(KEY, fleet.members.keys(), 1, 5).slice(-1);
  const isKeeper = ranked(KEY, fleet.members.keys(), other, 2).includes(1);
  fleet.at(1).seen(KEY, other, false, 2000);
  assert.equal(fleet.at(1).replicas.flows, isKeeper ? 10 : 0);
  const [buddy = 0] = ranked(KEY, fleet.members.keys(), 1, 1);
  fleet.at(buddy).seen(KEY, 1, true, 1000);
  fleet.at(buddy).run(601_000);
  assert.equal(fleet.at(buddy).replicas.flows, 10);
  fleet.at(buddy).run(611_000);
  assert.equal(fleet.at(buddy).replicas.flows, 0);
});

test('what a device had a moment before it moved is told to who has it by now, and kept by that one’s two', () => {
  for (const next of [2, 3, 4, 5, 6]) {
    const fleet = new Fleet(6);
    fleet.at(1).attached(KEY, 0);
    fleet.say(1, 0, 10);
    fleet.at(1).detached(KEY, 1000);
    for (const member of fleet.members.values()) member.seen(KEY, next, false, 1000);
    fleet.at(next).attached(KEY, 0);
    const before = fleet.threads.get(next) ?? 0;
    fleet.say(1, 10, 12);
    assert.equal((fleet.threads.get(next) ?? 0) - before, 2, `member ${next}`);
    assert.equal(fleet.at(next).replicas.flows, 12);
    for (const buddy of ranked(KEY, fleet.members.keys(), next, 2))
      if (buddy !== 1) assert.equal(fleet.at(buddy).replicas.flows, 12, `member ${buddy} after ${next}`);
    // It is back: what its thread says is what it has here.
    fleet.at(next).detached(KEY, 2000);
    fleet.at(1).attached(KEY, 0);
    fleet.say(1, 20, 21);
    assert.deepEqual([(fleet.threads.get(next) ?? 0) - before, fleet.at(1).replicas.flows], [2, 13]);
  }
});

test('ten seconds after a device has moved nothing of it is led there any more', () => {
  const fleet = new Fleet(2);
  fleet.at(1).attached(KEY, 0);
  fleet.say(1, 0, 10);
  fleet.at(1).detached(KEY, 1000);
  fleet.at(1).seen(KEY, 2, false, 1000);
  fleet.at(1).run(10_999);
  fleet.say(1, 10, 11);
  assert.equal(fleet.at(1).replicas.flows, 10, 'it is the other’s');
  fleet.at(1).run(21_000);
  fleet.say(1, 11, 12);
  assert.equal(fleet.at(1).replicas.flows, 11);
});

test('a member that sends what cannot be read is to be cut off', () => {
  const fleet = new Fleet(2);
  assert.throws(() => fleet.at(1).receive(Uint8Array.of(3, 65, 66)), MeshError);
});

test('a choice of members changes with those that come and go, and for nobody else', () => {
  const all = Array.from({ length: 20 }, (_, i) => i + 1);
  for (let n = 0; n < 200; n++) {
    const key = `t/d${n}`;
    const two = ranked(key, all, 1, 2);
    const gone = all.filter((member) => member !== 7);
    if (!two.includes(7)) assert.deepEqual(ranked(key, gone, 1, 2), two);
  }
});

test('who asks again and again, and takes no answer, has each device waiting once; it is answered as there is room', () => {
  let hasRoom = true;
  let sent = 0;
  const sessions = new SharedSessions({
    ...{ kind: SESSIONS, own: 1, members: () => [1, 2], isReady: () => true, room: () => hasRoom },
    send: () => {
      sent++;
    },
    toThread: () => true,
  });
  const writer = new SectionWriter();
  const keys = Array.from({ length: 66_000 }, (_, n) => `red/${n}`);
  for (const key of keys) {
    writer.begin({ ...head, key }, 0);
    writer.add({ ...head, key }, flow(0));
    sessions.receive(writer.take().slice());
  }
  sessions.asked(2, 'red/0');
  assert.equal(sent, 1, 'at once, where there is room');
  sessions.asked(2, 'red/unknown');
  hasRoom = false;
  for (let i = 0; i < 3; i++) for (const key of keys) sessions.asked(2, key);
  sessions.run(0);
  assert.equal(sent, 1);
  assert.equal(sessions.counters.unanswered, 3 * (66_000 - 65_536));
  hasRoom = true;
  sessions.run(0);
  assert.deepEqual([sent, sessions.counters.answered, sessions.isBusy], [65_537, 65_537, false]);
});
