import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address, packet, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { PAIR_BYTES, PairState } from '#protocol/nat/pairs.ts';
import { Replicas } from '#protocol/nat/replicas.ts';
import { readSections } from '#protocol/nat/wire.ts';
import { Correspondents } from './correspondents.ts';
import { SharedFilters } from './shared-filters.ts';

const DEVICE = 'fd00:1::2';
const REMOTE = '2001:db8:f::10';
const KEY = 'red/phone';
const SYN = 2;
const RST = 4;

const udp6 = (source: string, destination: string): Uint8Array =>
  packet({ source, destination, protocol: Protocol.udp, payload: udp(new Uint8Array(0)) });
const tcp6 = (source: string, destination: string, flags: number): Uint8Array =>
  packet({ source, destination, payload: tcp({ flags }) });

/** A worker's filters, and what the mesh was told of them. */
const worker = (own = DEVICE) => {
  const told = new Replicas(undefined, PAIR_BYTES);
  const state = { takes: true, messages: 0 };
  const shared = new SharedFilters((message) => {
    state.messages++;
    if (state.takes) readSections(message, 0, message.length, (section) => told.apply(section, message), PAIR_BYTES);
    return state.takes;
  });
  const them = new Correspondents(1, shared);
  const view = new IpView();
  const of = (bytes: Uint8Array): IpView => {
    assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
    return view;
  };
  let filters = 0;
  const attach = (): void => {
    filters = shared.attach(KEY, (buffer, at) => address(own).every((byte, i) => byte === buffer[at + i]));
  };
  return {
    ...{ told, state, shared, them, attach },
    detach: () => shared.detach(filters, them.now),
    out: (bytes: Uint8Array) => them.sent(bytes, of(bytes)),
    isLetIn: (bytes: Uint8Array) => them.isLetIn(bytes, of(bytes), -1, filters),
    /** Ten seconds a step, as slots are swept by the second. */
    pass: (seconds: number) => {
      const end = them.now + seconds;
      while (them.now < end) them.tick(Math.min(end, them.now + 10));
      them.tell();
    },
  };
};

/** What the mesh keeps, as the worker that the device comes to hears it. */
const moved = (from: ReturnType<typeof worker>, to: ReturnType<typeof worker>): void => {
  from.them.tell();
  from.told.tellAll(KEY, (message) => assert.ok(to.them.take(message, 0, message.length)));
};

test('who talks with a device may go on at once where it came to, whatever it sends, for as long as before', () => {
  const [before, after] = [worker(), worker()];
  before.attach();
  before.out(tcp6(DEVICE, REMOTE, SYN));
  assert.ok(before.isLetIn(tcp6(REMOTE, DEVICE, 0x12)));
  before.out(udp6(DEVICE, '2001:db8:f::11'));
  assert.ok(before.isLetIn(udp6('2001:db8:f::11', DEVICE)));
  after.attach();
  assert.equal(after.isLetIn(tcp6(REMOTE, DEVICE, RST)), false);
  moved(before, after);
  assert.equal(after.shared.counters.restored, 2);
  assert.ok(after.isLetIn(tcp6(REMOTE, DEVICE, RST)));
  assert.ok(after.isLetIn(udp6('2001:db8:f::11', DEVICE)));
  assert.equal(after.isLetIn(udp6('2001:db8:f::12', DEVICE)), false);
  after.pass(310);
  assert.equal(after.isLetIn(udp6('2001:db8:f::11', DEVICE)), false);
  assert.ok(after.isLetIn(tcp6(REMOTE, DEVICE, SYN)));
});

test('told is whoever has answered, once, and again when there is TCP; not whom nobody has heard', () => {
  const { told, shared, attach, out, isLetIn, them } = worker();
  attach();
  for (let i = 1; i <= 100; i++) out(udp6(DEVICE, `2001:db8:e::${i}`));
  out(udp6(DEVICE, REMOTE));
  for (let i = 0; i < 5; i++) assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  assert.equal(shared.counters.told, 1);
  assert.ok(isLetIn(tcp6(REMOTE, DEVICE, SYN)));
  assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  assert.equal(shared.counters.told, 2);
  them.tell();
  assert.equal(told.flows, 1);
});

test('what is over is told, too: by time, and when another pair takes its place', () => {
  const { told, attach, out, isLetIn, pass } = worker();
  attach();
  out(udp6(DEVICE, REMOTE));
  assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  pass(1);
  assert.equal(told.flows, 1);
  pass(299 + 70);
  assert.equal(told.flows, 0);
  // 2,048 pairs of a device have room.
  for (let i = 0; i < 10_000; i++) {
    const remote = `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`;
    out(udp6(DEVICE, remote));
    assert.ok(isLetIn(udp6(remote, DEVICE)));
  }
  pass(1);
  assert.ok(told.flows > 1000 && told.flows <= 2048, `${told.flows}`);
});

test('what was not taken is told again, all of it', () => {
  const { told, state, shared, attach, out, isLetIn, them } = worker();
  attach();
  state.takes = false;
  out(udp6(DEVICE, REMOTE));
  assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  them.tell();
  assert.deepEqual([told.flows, shared.counters.not_told], [0, 1]);
  state.takes = true;
  them.tell();
  assert.equal(told.flows, 1);
});

test('a worker tells nothing of a device that is elsewhere, nor takes anything for one that is not here', () => {
  const { told, shared, attach, detach, out, isLetIn, them } = worker();
  attach();
  out(udp6(DEVICE, REMOTE));
  them.isElsewhere(KEY);
  assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  assert.equal(shared.counters.told, 0);
  // It was older news.
  shared.isHere(shared.numberOf(KEY));
  assert.ok(isLetIn(udp6(REMOTE, DEVICE)));
  assert.equal(shared.counters.told, 1);
  them.tell();
  detach();
  assert.equal(shared.numberOf(KEY), 0);
  told.tellAll(KEY, (message) => assert.ok(them.take(message, 0, message.length)));
  assert.equal(shared.counters.restored, 0);
  // It comes back, as the same.
  const again = shared.attach(KEY, () => true);
  told.tellAll(KEY, (message) => assert.ok(them.take(message, 0, message.length)));
  assert.equal(shared.counters.restored, 1);
  detach();
  them.isElsewhere(KEY);
  assert.notEqual(
    shared.attach(KEY, () => true),
    again,
  );
});

test('nobody can be let in for an address that the device has not, nor by what is no message', () => {
  const [before, after] = [worker(), worker('fd00:1::3')];
  before.attach();
  before.out(udp6(DEVICE, REMOTE));
  assert.ok(before.isLetIn(udp6(REMOTE, DEVICE)));
  after.attach();
  moved(before, after);
  assert.equal(after.shared.counters.restored, 0);
  assert.equal(after.isLetIn(udp6(REMOTE, DEVICE)), false);
  assert.equal(after.them.take(Uint8Array.of(5, 1, 2), 0, 3), false);
  const bytes = new Uint8Array(1 + KEY.length + 11 + PAIR_BYTES);
  bytes[0] = KEY.length;
  bytes.set(Buffer.from(KEY), 1);
  bytes[bytes.length - PAIR_BYTES - 1] = 1;
  for (const [family, state] of [[4, PairState.tcp] as const, [6, 3] as const, [6, PairState.over] as const]) {
    bytes.set([family, state], bytes.length - PAIR_BYTES);
    assert.ok(after.them.take(bytes, 0, bytes.length));
  }
  assert.equal(after.shared.counters.restored, 0);
});
