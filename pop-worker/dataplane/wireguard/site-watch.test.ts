import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { echoNumber, echoOf, echoRequest } from '#protocol/ip/echo.ts';
import { address } from '#protocol/ip/testing/packets.ts';
import { formatPrefix, type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { IpView } from '#protocol/ip/view.ts';
import type { Peer } from '#protocol/wireguard/peer.ts';
import type { Notice } from '../commands.ts';
import { Carriers } from '../forward/carriers.ts';
import { Session } from '../forward/session.ts';
import { TenantTable } from '../forward/tenant-table.ts';
import { SiteWatch } from './site-watch.ts';

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;
const viewOf = (bytes: Uint8Array): IpView => {
  const view = new IpView();
  view.parse(bytes, 0, bytes.length);
  return view;
};

/** What was told of sites: which one, the rank, and the state if that is another what it was. */
const told = (notices: readonly Notice[]): string[] =>
  notices.flatMap((notice) => {
    if (notice.type === 'no-site') return ['none'];
    if (notice.type !== 'site') return [];
    const { site, rank, state, before } = notice;
    return [`${site} ${rank} ${state}${before === state ? '' : `, was ${before}`}`];
  });

/** A device of a site, its site's state as others are told of it, and what it is sent. */
const scene = (t: TestContext, record: Partial<WireGuardPeer> = { site: 'berlin', metric: 3 }) => {
  const shown: string[] = [];
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/24')), {
    attached: ({ sources, rank }) => shown.push(`${sources.map(formatPrefix).join(' ')} ${rank}`),
    detached: () => {},
  });
  tenants.defineTenant('red', [prefix('10.64.0.0/10')]);
  const notices: Notice[] = [];
  const renewed: number[] = [];
  const watch = new SiteWatch({
    ...{ tenants, notify: (notice) => void notices.push(notice), afterTurn: () => {} },
    renew: ({ number }) => renewed.push(number),
  });
  t.after(() => watch.close());
  const sent: Uint8Array[] = [];
  const send = (buffer: Uint8Array, start: number, end: number) => sent.push(buffer.slice(start, end)) > 0;
  const sources = ['10.64.0.2/32', '10.65.2.0/24'].map(prefix);
  const rank = record.site === undefined ? undefined : (record.metric ?? 0);
  const session = new Session({ tenant: 'red', device: 'd', sources, egress: true, rank }, { mtu: () => 1420, send });
  const peer = { number: 70_000, counters: { receivedBytes: 0, sentBytes: 0 } };
  const begin = (): void => {
    watch.begin(peer as unknown as Peer, session, record as WireGuardPeer);
    tenants.attach(session);
    watch.attached(peer.number);
  };
  begin();
  const seconds = (count: number, isHeard = false): void => {
    for (let i = 0; i < count; i++) {
      if (isHeard) peer.counters.receivedBytes++;
      watch.second(nowUs());
    }
  };
  /** An answer to the latest question, of this host. */
  const answers = (from: string, seconds = 0): void => {
    const question = sent.at(-1) ?? assert.fail();
    const number = echoNumber(question, viewOf(question)) - seconds;
    const reply = echoRequest(address(from), address('10.64.0.1'), number, address('10.64.0.2'));
    session.onEchoReply?.(reply, viewOf(reply));
  };
  return { tenants, watch, session, sent, shown, notices, renewed, seconds, answers, begin, peer };
};

test('a silent device is asked by the edge’s own address, then for a handshake, and its site is led elsewhere', (t) => {
  const { watch, sent, shown, notices, renewed, seconds } = scene(t);
  assert.deepEqual(shown, ['10.64.0.2/32 10.65.2.0/24 3']);
  seconds(3, true);
  assert.equal(sent.length, 0, 'who says something is not asked');
  seconds(5);
  const question = sent[0] ?? assert.fail();
  const view = viewOf(question);
  assert.equal(echoOf(question, view), 'request');
  assert.deepEqual(
    [question.subarray(12, 16), question.subarray(16, 20)],
    [address('10.64.0.1'), address('10.64.0.2')],
  );
  assert.deepEqual([renewed, shown.at(-1), watch.states().lost], [[70_000], '10.64.0.2/32 3', 1]);
  seconds(3, true);
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 3');
  assert.deepEqual(told(notices), ['berlin 3 reached', 'berlin 3 lost, was reached', 'berlin 3 reached, was lost']);
  assert.deepEqual([watch.counters.lost, watch.counters.reached, watch.counters.handshakes], [1, 1, 1]);
});

test('a site that is asked is led to with its first answer; those of others, and old ones, are none', (t) => {
  const { watch, sent, shown, seconds, answers } = scene(t, { site: 'berlin', probe: '10.65.2.9' });
  assert.deepEqual(sent[0]?.subarray(16, 20), address('10.65.2.9'), 'at once');
  assert.equal(shown.at(-1), '10.64.0.2/32 0');
  answers('10.65.2.8');
  seconds(4, true);
  answers('10.65.2.9', 3);
  assert.equal(watch.states().lost, 1);
  answers('10.65.2.9', 2);
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 0');
  seconds(4, true);
  assert.equal(watch.states().reached, 1);
  seconds(1, true);
  assert.equal(watch.states().lost, 1, 'its router says something all the same');
});

test('another metric counts at once; another probe is waited for; who is of no site any more has its networks', (t) => {
  const { tenants, watch, session, sent, shown, notices, seconds, answers, peer } = scene(t);
  let before = { site: 'berlin', metric: 3 } as Partial<WireGuardPeer>;
  const change = (record: Partial<WireGuardPeer>): void => {
    session.rank = record.site === undefined ? undefined : (record.metric ?? 0);
    watch.change(peer as unknown as Peer, session, before as WireGuardPeer, record as WireGuardPeer);
    const { sources, egress, rank } = session;
    tenants.change(session, { sources, egress, rank });
    if (record.probe !== before.probe) watch.attached(peer.number);
    before = record;
  };
  watch.drain(true);
  change({ site: 'berlin', metric: 4 });
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 260', 'it is the last choice still');
  watch.drain(false);
  change({ site: 'berlin', metric: 5, probe: '10.65.2.9' });
  assert.equal(shown.at(-1), '10.64.0.2/32 5');
  seconds(1, true);
  assert.deepEqual(sent.at(-1)?.subarray(16, 20), address('10.65.2.9'));
  answers('10.65.2.9');
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 5');
  change({ site: 'berlin', metric: 6, probe: '10.65.2.9' });
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 6', 'the same one has answered');
  change({ site: 'berlin', metric: 6, probe: '10.65.2.8' });
  assert.equal(shown.at(-1), '10.64.0.2/32 6');
  change({});
  assert.deepEqual([shown.at(-1), session.onEchoReply], ['10.64.0.2/32 10.65.2.0/24 undefined', undefined]);
  assert.deepEqual(watch.states(), { reached: 0, lost: 0, held: 0 });
  change({ site: 'berlin' });
  assert.deepEqual([shown.at(-1), watch.states().reached], ['10.64.0.2/32 10.65.2.0/24 0', 1]);
  assert.deepEqual(told(notices), [
    'berlin 3 reached',
    ...['berlin 259 reached', 'berlin 260 reached', 'berlin 4 reached'],
    ...['berlin 5 lost', 'berlin 5 reached, was lost', 'berlin 6 reached', 'berlin 6 lost', 'none', 'berlin 0 reached'],
  ]);
});

test('who comes and goes, and a worker that drains, are the last choice, and who moved is left alone', (t) => {
  const { watch, shown, seconds, session, begin, tenants, peer } = scene(t);
  watch.drain(true);
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 259');
  watch.drain(false);
  assert.equal(shown.at(-1), '10.64.0.2/32 10.65.2.0/24 3');
  for (let i = 0; i < 3; i++) {
    seconds(5);
    seconds(3, true);
  }
  assert.deepEqual([shown.at(-1), watch.states().held], ['10.64.0.2/32 10.65.2.0/24 259', 1]);
  watch.end(peer.number);
  tenants.detach(session);
  begin();
  assert.deepEqual(
    [shown.at(-1), watch.states().held],
    ['10.64.0.2/32 10.65.2.0/24 259', 1],
    'a new session changes nothing',
  );
  session.hasMoved = true;
  seconds(9);
  assert.equal(watch.states().lost, 0);
  watch.forget(peer.number);
});
