import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CeaseSubcode } from '../errors.ts';
import { SpeakerOutput } from '../speaker.ts';
import type { GracefulRestart, LongLived } from '../wire/capabilities/definition.ts';
import { cease } from '../wire/cease.ts';
import { Family } from '../wire/families.ts';
import { writeNotification } from '../wire/notification.ts';
import { State } from './state.ts';
import { Pair } from './testing/pair.ts';
import { mirrored, SECOND, settingsOf } from './testing/settings.ts';

const { ipv4Unicast, ipv6Unicast } = Family;
const HELPER: GracefulRestart = { isRestarting: false, hasNotification: true, restartTimeS: 0, families: [] };

/** One that restarts: it keeps IPv4 forwarding, and has IPv6 in its capability without. */
const restarter = (changes: Partial<GracefulRestart> = {}): GracefulRestart => ({
  isRestarting: false,
  hasNotification: true,
  restartTimeS: 100,
  families: [
    { family: ipv4Unicast, isForwarding: true },
    { family: ipv6Unicast, isForwarding: false },
  ],
  ...changes,
});

const longLived = (staleTimeS: number): LongLived[] => [{ family: ipv4Unicast, isForwarding: true, staleTimeS }];

interface Wanted {
  readonly theirs?: GracefulRestart;
  readonly ours?: GracefulRestart | undefined;
  readonly longLived?: LongLived[];
}

/** We, who help, are the first side. */
const established = (wanted: Wanted = {}): Pair => {
  const ours = 'ours' in wanted ? wanted.ours : HELPER;
  const own = settingsOf({
    capabilities: { gracefulRestart: ours, longLived: wanted.longLived ?? [] },
    isPassive: true,
  });
  const theirs = { gracefulRestart: wanted.theirs ?? restarter(), longLived: wanted.longLived ?? [] };
  const pair = new Pair(own, mirrored(own, { isPassive: false, capabilities: theirs }));
  pair.start();
  pair.pass(SECOND);
  assert.ok(pair.sides.every((side) => side.is(State.established)));
  return pair;
};

/** What our routes were told since the session came. */
const told = (pair: Pair): string[] => pair.sides[0].routes.said.slice(1);

/** The neighbour is gone, and does not come back by itself. */
const crash = (pair: Pair): void => {
  pair.isClosed = true;
  pair.sides[0].neighbour.session?.lost(pair.now, 'reset');
  pair.sides[1].neighbour.session?.lost(pair.now, 'crash');
};

test('routes of a neighbour that crashes are kept for its restart time (RFC 4724 §4.2)', () => {
  const pair = established();
  crash(pair);
  assert.deepEqual(told(pair), ['down 0 keeps ipv4-unicast keeps ipv6-unicast']);
  pair.pass(99 * SECOND);
  assert.equal(told(pair).length, 1);
  pair.pass(2 * SECOND);
  assert.deepEqual(told(pair).slice(1), ['drops stale 0 ipv4-unicast', 'drops stale 0 ipv6-unicast']);
});

test('once it is back, what it has not kept goes at once, the rest after three minutes at most', () => {
  const pair = established();
  crash(pair);
  pair.isClosed = false;
  pair.pass(20 * SECOND);
  assert.ok(pair.sides[0].is(State.established));
  assert.deepEqual(told(pair).slice(1), ['up 0 ipv4-unicast ipv6-unicast', 'drops stale 0 ipv6-unicast']);
  pair.pass(185 * SECOND);
  assert.deepEqual(told(pair).at(-1), 'drops stale 0 ipv4-unicast');
});

test('a connection of a neighbour that has restarted replaces the session without a word (RFC 4724 §4.2)', () => {
  const pair = established();
  const [{ neighbour, sink }] = pair.sides;
  assert.equal(neighbour.accept(pair.now), undefined);
  assert.equal(sink.last, 'connection');
  assert.equal(told(pair)[0], 'down 0 keeps ipv4-unicast keeps ipv6-unicast');
  assert.equal(neighbour.state, State.openSent);
});

test('the connection that was the session is closed when it was ours, and what it says ends nothing (RFC 4724 §4.2)', () => {
  const own = settingsOf({ capabilities: { gracefulRestart: HELPER } });
  const pair = new Pair(own, mirrored(own, { isPassive: true, capabilities: { gracefulRestart: restarter() } }));
  pair.start();
  pair.pass(SECOND);
  const [{ neighbour, speaker }] = pair.sides;
  const old = neighbour.session;
  assert.ok(old?.isOutgoing);
  assert.equal(neighbour.accept(pair.now), undefined);
  const out = new SpeakerOutput(100_000);
  const wanted: string[] = [];
  while (speaker.poll(pair.now, out)) wanted.push(`${out.kind} ${out.isOutgoing ? 'ours' : 'theirs'}`);
  assert.deepEqual(wanted, ['send theirs', 'close ours']);
  const bytes = new Uint8Array(4096);
  old.receive(
    bytes,
    0,
    writeNotification(bytes, 0, bytes.length, cease(CeaseSubcode.administrativeShutdown)),
    pair.now,
  );
  assert.equal(neighbour.incoming.state, State.openSent);
  // A third connection has no word of the second one in it.
  assert.equal(neighbour.accept(pair.now), undefined);
  assert.ok(speaker.poll(pair.now, out));
  assert.deepEqual([out.kind, out.isOutgoing, out.buffer[18]], ['send', false, 1]);
  assert.equal(speaker.poll(pair.now, out) && out.kind === 'close', false);
});

test('where it was not negotiated, nothing is kept: anycast sessions (RFC 4724 §4.2)', () => {
  const pair = established({ ours: undefined });
  crash(pair);
  assert.deepEqual(told(pair), ['down 0']);
});

test('a NOTIFICATION is a restart when both have said so, a Hard Reset never is (RFC 8538 §4)', () => {
  const outcome = (hasNotification: boolean, subcode: number): string | undefined => {
    const pair = established({ theirs: restarter({ hasNotification }) });
    pair.sides[1].neighbour.end(pair.now, cease(subcode), 'test', 'resources');
    pair.pass(SECOND / 100);
    return told(pair)[0];
  };
  const keeps = 'down 0 keeps ipv4-unicast keeps ipv6-unicast';
  assert.equal(outcome(true, CeaseSubcode.outOfResources), keeps);
  assert.equal(outcome(false, CeaseSubcode.outOfResources), 'down 0');
  assert.equal(outcome(true, CeaseSubcode.administrativeShutdown), 'down 0');
  assert.equal(outcome(true, CeaseSubcode.bfdDown), 'down 0');
});

test('who goes for good says so by a Hard Reset around its reason (RFC 8538 §3.1)', () => {
  const pair = established();
  pair.sides[1].neighbour.stop(pair.now, cease(CeaseSubcode.administrativeShutdown, 'bye'));
  pair.pass(SECOND / 100);
  const [ending] = pair.sides[0].sink.endings.slice(-1);
  assert.deepEqual([...(ending?.notification?.data ?? [])], [6, 2, 3, ...Buffer.from('bye')]);
  assert.ok(pair.sides[0].sink.lines.at(-1)?.endsWith('received Cease, Hard Reset: bye'));
});

test('a hold time that has passed is a restart as well, when both have said so (RFC 8538 §4)', () => {
  const pair = established();
  pair.isCut = true;
  while (pair.sides[0].is(State.established)) pair.pass(SECOND);
  assert.deepEqual(told(pair), ['down 0 keeps ipv4-unicast keeps ipv6-unicast']);
});

test('long-lived: kept beyond the restart time, for as long as both say (RFC 9494 §4)', () => {
  const pair = established({ longLived: longLived(1000) });
  crash(pair);
  pair.pass(101 * SECOND);
  assert.deepEqual(told(pair).slice(1), ['keeps long-lived 0 ipv4-unicast', 'drops stale 0 ipv6-unicast']);
  pair.pass(998 * SECOND);
  assert.equal(told(pair).length, 3);
  pair.pass(2 * SECOND);
  assert.equal(told(pair).at(-1), 'drops stale 0 ipv4-unicast');
});

test('who is not wanted any more is not waited for', () => {
  const pair = established();
  crash(pair);
  pair.sides[0].neighbour.stop(pair.now, cease(CeaseSubcode.peerDeconfigured));
  assert.deepEqual(told(pair).slice(1), ['drops stale 0 ipv4-unicast', 'drops stale 0 ipv6-unicast']);
  assert.equal(pair.sides[0].speaker.deadline(), Number.POSITIVE_INFINITY);
});
