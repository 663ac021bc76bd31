import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Drop } from './drop.ts';
import { MOST_PACKETS_AN_INTERVAL } from './options.ts';
import type { ControlPacket } from './packet.ts';
import { Diagnostic, State } from './state.ts';
import { Stat } from './stats.ts';
import { alone, packetOf } from './testing/alone.ts';
import { addressOf, FAST, MS, Pair, type Sent } from './testing/pair.ts';

const { adminDown, down, init, up } = State;
const statesOf = (sent: readonly Sent[]): State[] => sent.map(({ packet }) => packet.state);

test('two systems come Up by three packets, slowly, and then talk at their rate (RFC 5880 §6.2, §6.8.3)', () => {
  const pair = new Pair();
  const [a, b] = pair.open();
  pair.run(30 * MS);
  assert.deepEqual([a.state, b.state], [up, up]);
  assert.deepEqual(pair.a.changes, ['1->2 0', '2->3 0']);
  const first = pair.sent[0]?.packet as ControlPacket;
  assert.deepEqual([first.state, first.yourDiscriminator, first.desiredMinTxUs], [down, 0, 1_000_000]);
  pair.run(1000 * MS);
  for (const end of [pair.a, pair.b]) {
    const last = pair.sentBy(end).at(-1)?.packet as ControlPacket;
    assert.deepEqual(
      [last.desiredMinTxUs, last.requiredMinRxUs, last.poll, last.final],
      [50_000, 50_000, false, false],
    );
  }
  assert.equal(a.detectionTimeUs, 150_000);
  assert.equal(a.remoteDiscriminator, b.discriminator);
});

test('silence for the Detection Time takes both down, each with its reason (RFC 5880 §6.8.4)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  pair.run(200 * MS);
  // b does not hear a any more, a still hears b.
  pair.passes = ({ by }) => by === pair.b;
  const heard = (pair.sentBy(pair.a).at(-1)?.at ?? 0) + pair.delayUs;
  pair.run(heard + 149 * MS - pair.now);
  assert.deepEqual([a.state, b.state], [up, up]);
  pair.run(5 * MS);
  assert.equal(b.state, down);
  assert.equal(b.diagnostic, Diagnostic.detectionTimeExpired);
  assert.equal((b.stats[Stat.changedAtUs] as number) - heard, 150 * MS);
  assert.equal(a.state, down, 'it is told at once');
  assert.equal(a.diagnostic, Diagnostic.neighbourSignalledDown);
  assert.equal(a.stats[Stat.remoteDiagnostic], Diagnostic.detectionTimeExpired);
  const told = pair.sentBy(pair.b).findLast(({ packet }) => packet.state === down)?.packet;
  assert.equal(told?.yourDiscriminator, 0, 'who is not heard is not known (RFC 5880 §6.8.1)');
  pair.passes = () => true;
  pair.run(3000 * MS);
  assert.deepEqual([a.state, b.state], [up, up]);
});

test('AdminDown is told, kept and left (RFC 5880 §6.8.16)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  a.disable(Diagnostic.administrativelyDown, pair.now);
  pair.run(10 * MS);
  assert.deepEqual([a.state, a.diagnostic, b.state, b.diagnostic], [adminDown, 7, down, 3]);
  assert.equal(b.remoteState, adminDown);
  pair.run(10_000 * MS);
  assert.deepEqual([a.state, b.state], [adminDown, down]);
  const sent = pair.sentBy(pair.a).slice(2);
  assert.ok(
    sent.length > 8 && sent.every(({ packet }) => packet.state === adminDown && packet.desiredMinTxUs === 1_000_000),
  );
  a.enable(pair.now);
  pair.run(3000 * MS);
  assert.deepEqual([a.state, b.state], [up, up]);
});

test('a peer that enters or leaves AdminDown is told of, also while the session is Down', () => {
  const pair = new Pair();
  const [, b] = pair.open();
  b.disable(Diagnostic.administrativelyDown, pair.now);
  pair.run(500 * MS);
  assert.deepEqual(pair.a.changes, ['1->1 0']);
  pair.run(5000 * MS);
  assert.equal(pair.a.changes.length, 1, 'once');
  pair.passes = () => false;
  pair.run(5000 * MS);
  assert.deepEqual(pair.a.changes, ['1->1 0', '1->1 0'], 'it is not known any more');
});

test('a session is kept down as Down, with the forwarding plane as the reason (RFC 5880 §6.8.15, §6.8.18)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  pair.a.bfd.hold(Diagnostic.forwardingPlaneReset, pair.now);
  pair.run(10 * MS);
  assert.deepEqual([a.state, a.diagnostic, b.state, b.remoteState], [down, 4, down, down]);
  assert.equal(a.stats[Stat.held], 1);
  pair.run(10_000 * MS);
  assert.deepEqual([a.state, b.state === up], [down, false]);
  const other = pair.a.bfd.open({ ...FAST, remote: addressOf(9) }, pair.now);
  assert.equal(other.stats[Stat.held], 1, 'those that are opened meanwhile too');
  pair.a.bfd.release();
  pair.run(3000 * MS);
  assert.deepEqual([a.state, b.state], [up, up]);
});

test('a failure beyond the path is told without taking it down (RFC 5880 §6.8.17)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  a.setConcatenated(Diagnostic.concatenatedPathDown);
  pair.run(10 * MS);
  assert.deepEqual([a.state, b.state, b.stats[Stat.remoteDiagnostic]], [up, up, Diagnostic.concatenatedPathDown]);
});

test('a passive end says nothing until it hears its peer, and again once it has lost it (RFC 5880 §6.1)', () => {
  const pair = new Pair();
  const [, b] = pair.open({ multiHop: true }, { multiHop: true, passive: true });
  pair.passes = () => false;
  pair.run(5000 * MS);
  assert.equal(pair.sentBy(pair.b).length, 0);
  pair.passes = () => true;
  pair.run(3000 * MS);
  assert.equal(b.state, up);
  pair.passes = () => false;
  pair.run(1000 * MS);
  const lost = pair.now;
  pair.run(5000 * MS);
  assert.equal(b.state, down);
  assert.equal(pair.sentBy(pair.b, lost).length, 0);
});

test('a peer that starts anew is taken for that at once (RFC 5880 §6.8.6)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  pair.b.bfd.close(b);
  const again = pair.b.bfd.open({ ...FAST, remote: addressOf(1) }, pair.now);
  pair.run(50 * MS);
  assert.deepEqual(pair.a.changes[0], '3->1 3');
  pair.run(3000 * MS);
  assert.deepEqual([a.state, again.state], [up, up]);
});

test('GTSM: what does not come from the next hop is discarded (RFC 5881 §5)', () => {
  const { pair, session, tell } = alone();
  tell({ state: down }, 254);
  assert.equal(session.state, down);
  assert.equal(pair.a.bfd.dropped[Drop.hopLimit], 1);
  tell({ state: down }, 255);
  assert.equal(session.state, init);
});

test('a multi-hop session has a least hop limit of its own', () => {
  const { pair, session, tell } = alone({ multiHop: true, leastHopLimit: 250 } as Partial<typeof FAST>);
  tell({ state: down }, 249);
  assert.deepEqual([session.state, pair.a.bfd.dropped[Drop.hopLimit]], [down, 1]);
  tell({ state: down }, 250);
  assert.equal(session.state, init);
});

test('more packets than a peer may send are not looked at', () => {
  const { pair, session, tell } = alone();
  for (let i = 0; i < MOST_PACKETS_AN_INTERVAL + 5; i++) tell({ state: down });
  assert.equal(pair.a.bfd.dropped[Drop.excess], 5);
  pair.run(50 * MS);
  tell({ state: init });
  assert.equal(session.state, up);
});

test('whatever a neighbour sends, answers are bounded, and the session recovers', () => {
  const fields = fc.record({
    state: fc.constantFrom(...Object.values(State)),
    poll: fc.boolean(),
    final: fc.boolean(),
    demand: fc.boolean(),
    independent: fc.boolean(),
    detectMult: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: fc.integer({ min: 1, max: 0xffffffff }),
    desiredMinTxUs: fc.constantFrom(0, 1, 50_000, 1_000_000),
    requiredMinRxUs: fc.constantFrom(0, 1, 50_000, 1_000_000),
    wait: fc.nat(200),
    first: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 60 }), fc.nat(100), (packets, seed) => {
      const pair = new Pair(seed);
      const session = pair.a.bfd.open(FAST, pair.now);
      pair.passes = () => false;
      for (const { wait, first, ...packet } of packets) {
        const before = pair.sent.length;
        const { now } = pair;
        const yourDiscriminator = first ? 0 : session.discriminator;
        pair.a.take(packetOf({ ...packet, yourDiscriminator }), addressOf(2, 50_000), pair.now);
        pair.run(wait * MS);
        // A packet may bring a Final, one for the state that it has changed, and a new interval that begins at once.
        const most = 3 + (pair.now - now) / (37.5 * MS);
        assert.ok(pair.sent.length - before <= most, `${pair.sent.length - before} packets in ${wait} ms`);
        for (const { packet: sent } of pair.sent.slice(before))
          assert.ok(!(sent.poll && sent.final) && !sent.demand && !sent.independent);
      }
      // The longest silence that such packets can have us wait for, and the real neighbour behind it.
      pair.run(2 * 255 * 1_000_000);
      pair.passes = () => true;
      const other = pair.b.bfd.open({ ...FAST, remote: addressOf(1) }, pair.now);
      pair.run(4000 * MS);
      assert.deepEqual([session.state, other.state], [up, up]);
    }),
    { numRuns: 60 },
  );
});

test('the C bit is never set (RFC 5882 §4.3), and no echo is asked for (RFC 5880 §6.4)', () => {
  const pair = new Pair();
  pair.up();
  pair.run(1000 * MS);
  assert.ok(pair.sent.length > 30);
  assert.ok(pair.sent.every(({ packet }) => !packet.independent && packet.requiredMinEchoRxUs === 0));
  assert.ok(statesOf(pair.sent).every((state) => state === up));
});
