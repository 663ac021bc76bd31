import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePorts } from '#host/wireguard/ports.ts';
import { inUse } from '#protocol/quic/testing/heap.ts';
import { Burst, DESCRIPTOR_WORDS } from '../burst.ts';
import { Backlog, CROWD_WAITING, HANDSHAKES_A_TURN, MANY_WAITING, MOST_WAITING } from './backlog.ts';
import { Drop } from './drop.ts';
import type { TimeBudget, WireGuardOptions } from './options.ts';
import { OwnKeys } from './own-keys.ts';
import type { Peer } from './peer.ts';
import { address, type Datagram, Host, packet, privateKey, Scene } from './testing/scene.ts';

/** A host that knows this many others, and the first initiation of each. */
const crowd = (count: number, handshakesASecond = 1e9, more: Partial<WireGuardOptions> = {}) => {
  const scene = new Scene();
  const one = scene.add(1, { handshakesASecond, ...more });
  const others: Host[] = [];
  const initiations: Datagram[] = [];
  for (let i = 0; i < count; i++) {
    const key = new Uint8Array(32).fill(3);
    key.set([i & 255, i >> 8], 1);
    const other = new Host(2, () => scene.now, { privateKey: key });
    other.address = address(10 + (i % 200), 1000 + i);
    one.core.addPeer({ number: i, publicKey: other.core.publicKey });
    scene.knows(other, one, { endpoint: one.address });
    other.sends([packet(2, 1)], 0);
    initiations.push(...other.poll(0));
    others.push(other);
  }
  return { scene, one, others, initiations };
};

/** All in one turn. */
const takeAll = ({ core }: Host, datagrams: readonly Datagram[]): void => {
  const burst = new Burst(1 << 17, datagrams.length);
  for (const { bytes, from, to } of datagrams) {
    burst.buffer.set(bytes, burst.used);
    burst.commit(bytes.length, 0, from, 0, to, 0);
  }
  core.handle({ kind: 'datagrams', burst }, 0);
};

const answered = (host: Host, now: number): number => host.poll(now).filter(({ bytes }) => bytes[0] === 2).length;

test('of many handshakes at once a few are done in a turn, the others in the next ones, in their order', () => {
  const { one, initiations } = crowd(3 * HANDSHAKES_A_TURN - 2);
  one.takes(initiations, 0);
  assert.equal(answered(one, 0), HANDSHAKES_A_TURN);
  assert.equal(one.core.deadline(), Number.NEGATIVE_INFINITY, 'there is more to do, at once');
  one.core.handle({ kind: 'time' }, 0);
  const second = one.poll(0).filter(({ bytes }) => bytes[0] === 2);
  assert.deepEqual(
    second.map(({ to }) => to.join()),
    initiations.slice(HANDSHAKES_A_TURN, 2 * HANDSHAKES_A_TURN).map(({ from }) => from.join()),
  );
  one.core.handle({ kind: 'time' }, 0);
  assert.equal(answered(one, 0), HANDSHAKES_A_TURN - 2);
  assert.ok(one.core.deadline() > 0);
});

test('data is delivered in the turn in which it comes, however many handshakes wait', () => {
  const { scene, one, others, initiations } = crowd(HANDSHAKES_A_TURN + 100);
  const [first] = others as [Host];
  one.takes([initiations[0]!], 0);
  first.takes(one.poll(0), 0);
  const data = first.poll(0);
  assert.equal(data[0]?.bytes[0], 4);
  one.core.addAllowedIp([...one.core.peers][0]!, { address: Uint8Array.of(10, 0, 2, 0), length: 24 });
  one.takes([...initiations.slice(1), ...data], scene.now);
  assert.equal(one.received.length, 1);
});

test('many that wait are a load: who comes then gets a cookie', () => {
  const few = HANDSHAKES_A_TURN + MANY_WAITING;
  const { one, initiations } = crowd(few + 1);
  takeAll(one, initiations.slice(0, few));
  assert.equal(one.core.dropped[Drop.cookieSent], 0);
  const again = crowd(few + 1);
  takeAll(again.one, again.initiations);
  assert.equal(again.one.core.dropped[Drop.cookieSent], 1);
  assert.equal(again.one.poll(0).filter(({ bytes }) => bytes[0] === 3).length, 1);
});

test('those that wait are bounded', () => {
  const backlog = new Backlog();
  const own = new OwnKeys(nodePorts(), () => 0, new Uint8Array(32), { privateKey: privateKey(1) }, undefined).newest;
  const [bytes, words] = [new Uint8Array(148).fill(7), new Int32Array(DESCRIPTOR_WORDS).fill(9)];
  for (let i = 0; i < MOST_WAITING; i++) assert.ok(backlog.add(own, bytes, 0, 148, words, 0, i));
  assert.ok(!backlog.add(own, bytes, 0, 148, words, 0, MOST_WAITING));
  assert.equal(backlog.size, MOST_WAITING);
  bytes.fill(0);
  assert.deepEqual(backlog.next(), {
    own,
    bytes: new Uint8Array(148).fill(7),
    words: new Int32Array(DESCRIPTOR_WORDS).fill(9),
    place: 0,
    isHanded: false,
  });
  assert.ok(backlog.add(own, bytes, 0, 148, words, 0, 0));
  while (backlog.next() !== undefined);
  assert.equal(backlog.size, 0);
});

test('in a crowd only one of a source may wait: few addresses leave room for others', () => {
  const backlog = new Backlog();
  const own = new OwnKeys(nodePorts(), () => 0, new Uint8Array(32), { privateKey: privateKey(1) }, undefined).newest;
  const [bytes, words] = [new Uint8Array(148), new Int32Array(DESCRIPTOR_WORDS)];
  const add = (place: number): boolean => backlog.add(own, bytes, 0, 148, words, 0, place);
  for (let i = 0; i < CROWD_WAITING; i++) assert.ok(add(7), 'an office behind one address');
  assert.deepEqual([add(7), add(8), add(8), add(9)], [false, true, false, true]);
  for (let i = 0; i < CROWD_WAITING; i++) backlog.next();
  assert.deepEqual([add(7), add(8)], [true, true], 'few wait now');
});

/** A budget that a test gives out. */
class Given implements TimeBudget {
  isLeft = true;
  isPlenty = true;
  untilLeftUs = 500;
  readonly calls: string[] = [];
  refill(): void {
    this.calls.push('refill');
  }
  start(): void {
    this.calls.push('start');
  }
  spend(): void {
    this.calls.push('spend');
  }
}

test('handshakes wait while they have had their time, and go on when there is some again', () => {
  const budget = new Given();
  const { one, initiations } = crowd(3, 1e9, { handshakeTime: budget });
  budget.isLeft = false;
  one.takes(initiations, 0);
  assert.equal(answered(one, 0), 0);
  assert.equal(one.core.deadline(), 500);
  budget.isLeft = true;
  budget.calls.length = 0;
  one.core.handle({ kind: 'time' }, 500);
  assert.equal(answered(one, 500), 3);
  assert.deepEqual(budget.calls, ['refill', ...Array.from({ length: 3 }, () => ['start', 'spend']).flat()]);
  budget.calls.length = 0;
  one.core.handle({ kind: 'time' }, 600);
  assert.deepEqual(budget.calls, [], 'a turn without handshakes asks for nothing');
});

test('under load without time messages of strangers are not even looked at, but answers to what we began are', () => {
  const budget = new Given();
  const { one, others, initiations } = crowd(2, 0, { strangerTime: budget });
  const [, other] = others as [Host, Host];
  one.takes([initiations[0]!], 0);
  assert.equal(one.core.dropped[Drop.cookieSent], 1);
  one.poll(0);
  budget.isPlenty = false;
  budget.isLeft = false;
  const broken = { ...initiations[1]!, bytes: initiations[1]!.bytes.slice().fill(0, 100) };
  one.takes([broken], 0);
  assert.deepEqual([one.core.dropped[Drop.overload], one.core.dropped[Drop.mac1]], [1, 0]);
  const peer = [...one.core.peers][1]!;
  one.core.setEndpoint(peer, other.address);
  one.core.renewPeer(peer, 0);
  other.takes(one.poll(0), 0);
  one.takes(other.poll(0), 0);
  assert.equal(one.core.totals.sessions, 1);
});

test('an answer to what we began goes before all that waits, and so do two more that say they are: the others wait', () => {
  const budget = new Given();
  const { one, others, initiations } = crowd(3 * HANDSHAKES_A_TURN, 1e9, {
    handshakeTime: budget,
    strangerTime: budget,
  });
  const last = others.at(-1) as Host;
  const peer = [...one.core.peers].at(-1) as Peer;
  one.core.setEndpoint(peer, last.address);
  one.core.renewPeer(peer, 0);
  last.takes(one.poll(0), 0);
  const [answer] = last.poll(0).filter(({ bytes }) => bytes[0] === 2) as [Datagram];
  budget.isLeft = false;
  one.takes(initiations.slice(0, -1), 0);
  budget.calls.length = 0;
  const nodePort = nodePorts();
  const macKey = nodePort.mac.labelled('mac1----', one.core.publicKey);
  // Whoever sees our index and knows our public key can make those.
  const forged = Array.from({ length: 50 }, (_, i): Datagram => {
    const bytes = answer.bytes.slice().fill(i + 1, 44, 60);
    nodePort.mac.mac(macKey, bytes, 0, 60, bytes, 60);
    return { ...answer, bytes, from: address(20 + i) };
  });
  one.takes(forged.slice(0, 2), 0);
  one.takes([answer], 0);
  assert.equal(one.core.totals.sessions, 1, 'the third');
  one.core.renewPeer(peer, 10e6);
  last.takes(one.poll(10e6), 10e6);
  const index = (last.poll(10e6).find(({ bytes }) => bytes[0] === 2) as Datagram).bytes.slice(8, 12);
  budget.calls.length = 0;
  for (const { bytes } of forged) {
    bytes.set(index, 8);
    nodePort.mac.mac(macKey, bytes, 0, 60, bytes, 60);
  }
  one.takes(forged, 10e6);
  const handshakes = one.core.dropped[Drop.handshake] as number;
  assert.equal(handshakes, 2 + 3);
});

test('under load what shows a mac2 comes before what shows none, for which a part of the time is kept', () => {
  const budget = new Given();
  const { one, initiations } = crowd(2, 0, { strangerTime: budget });
  budget.isPlenty = false;
  const [first, second] = initiations as [Datagram, Datagram];
  one.takes([first, first, { ...second, bytes: second.bytes.slice().fill(1, 132) }], 0);
  assert.deepEqual([one.core.dropped[Drop.overload], one.core.dropped[Drop.cookieSent]], [1, 2]);
});

test('what was taken is let go, also while there is always something that waits', () => {
  const backlog = new Backlog();
  const own = new OwnKeys(nodePorts(), () => 0, new Uint8Array(32), { privateKey: privateKey(1) }, undefined).newest;
  const [bytes, words] = [new Uint8Array(148), new Int32Array(DESCRIPTOR_WORDS)];
  const add = (): boolean => backlog.add(own, bytes, 0, 148, words, 0, 0);
  assert.ok(add());
  const before = inUse();
  for (let i = 0; i < 100_000; i++) {
    add();
    backlog.next();
  }
  const grown = inUse() - before;
  assert.equal(backlog.size, 1);
  assert.ok(grown < 4 << 20, `${grown} bytes`);
});
