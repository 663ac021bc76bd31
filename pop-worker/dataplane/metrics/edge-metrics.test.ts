import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { qlogCounters } from '#host/qlog/budget.ts';
import { allocateBeat, beatingThread, lastBeat } from '#host/thread/beat.ts';
import { TUN_COUNTERS } from '#host/tun/native.ts';
import { UDP_COUNTERS } from '#host/udp/native.ts';
import { handoffCounters, RECEIVE_DROPS, SEND_DROPS } from '#protocol/handoff/counters.ts';
import type { Http3Sink } from '#protocol/http3/api.ts';
import type { Http3Binding } from '#protocol/http3/binding.ts';
import type { QpackCounters } from '#protocol/http3/field-coding.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { connectionCounters, endpointCounters } from '#protocol/quic/counters.ts';
import { recoveryStats } from '#protocol/quic/recovery/sink.ts';
import { Questions } from '#protocol/wireguard/anycast/questions.ts';
import { DROP_REASONS as WIREGUARD_DROPS } from '#protocol/wireguard/drop.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { Connections } from '../connections.ts';
import type { Edge } from '../edge.ts';
import { Endings } from '../endings.ts';
import { Faults } from '../faults.ts';
import { DROP_REASONS } from '../forward/drop-reason.ts';
import { EdgeMetrics } from './edge-metrics.ts';
import type { HostParts } from './host-metrics.ts';
import { LoopDelay } from './loop-delay.ts';

/** Counters of which each has a value of its own, and so have sums of two. */
const distinct = () => {
  let next = 1;
  const value = (): number => {
    next = (next * 48_271) % 2_147_483_647;
    return next;
  };
  const all = <K extends string>(names: readonly K[]): Record<K, number> =>
    Object.fromEntries(names.map((name) => [name, value()])) as Record<K, number>;
  return { value, all };
};

const keys = <T extends object>(counters: T): (keyof T & string)[] => Object.keys(counters) as (keyof T & string)[];

const noFaults = new Faults(() => {});

/** An edge and its hosts of which everything has been counted. */
const counted = () => {
  const { value, all } = distinct();
  const connection = {
    parts: {
      counters: all(keys(connectionCounters())),
      recovery: { controller: { name: 'cubic' }, stats: all(keys(recoveryStats())) },
      datagrams: { refused: value() },
    },
  };
  const connections = new Connections(noFaults);
  const { closedBy, ...others } = connections.counters;
  for (const name of keys(others)) connections.counters[name] = value();
  connections.counters.handshakes += connections.counters.resumed;
  for (const by of keys(closedBy)) closedBy[by] = value();
  const binding = connections.accept({} as Http3Sink) as Http3Binding;
  const http3 = binding.bind({ isServer: true } as QuicConnection);
  const qpackCounters: QpackCounters = {
    inserted: all(['received', 'sent']),
    references: all(['received', 'sent']),
    blockedSections: value(),
    bytes: all(['received', 'sent', 'held']),
  };
  Object.defineProperty(http3, 'qpackCounters', { value: qpackCounters });
  const handshakes = value();
  const drops = all(DROP_REASONS);
  const wireguardPeers = value();
  const siteStates = all(['reached', 'lost', 'held']);
  const siteCounters = all(['reached', 'lost', 'held', 'asked', 'answered', 'handshakes']);
  const edge = {
    connections,
    endpoint: {
      counters: all(keys(endpointCounters())),
      handshakes,
      connections: handshakes + value(),
      forEach: (each: (one: unknown) => void) => each(connection),
    },
    desk: { away: value() },
    tls: { refusedEarlyData: all(['replayed', 'full']) },
    tickets: {
      counters: all(['given', 'taken']),
      held: { droppedDatagrams: value() },
      welcome: { refused: all(['no_device', 'expired', 'revoked', 'unknown_device', 'older_epoch', 'no_room']) },
    },
    qlog: {
      size: value(),
      counters: {
        bytes: value(),
        records: all(keys(qlogCounters().records)),
        unlogged: all(keys(qlogCounters().unlogged)),
      },
    },
    requests: { counters: all(['ip', 'udp', 'tcp', 'other']) },
    carrier: {
      size: value(),
      requests: { counters: all(['ip', 'udp', 'tcp', 'other']) },
      counters: {
        ...all(['handshakes', 'failedHandshakes']),
        refused: all(['connections', 'handshakes', 'draining']),
      },
    },
    admission: { outcomes: all(['admitted', 'unauthorized', 'forbidden', 'unavailable']) },
    sessions: { unserved: value() },
    sessionCount: value(),
    wireguard: {
      moves: value(),
      peers: { size: wireguardPeers + value(), refused: value() },
      sessions: { size: value(), sites: { states: () => siteStates, counters: siteCounters } },
      core: {
        peerCount: wireguardPeers,
        peers: [false, false, true].map((isByPrevious, i) => ({
          keypairs: { isByPrevious, current: { maySend: () => i > 0 } },
        })),
        isByPrevious: ({ keypairs }: { keypairs: { isByPrevious?: boolean } }) => keypairs.isByPrevious === true,
        dropped: Float64Array.of(0, ...WIREGUARD_DROPS.map(value)),
        totals: all(WIREGUARD_TOTALS),
        questions: all(keys(new Questions().counters)),
      },
    },
    targets: { refused: all(['token', 'no_egress', 'limit', 'destination', 'name']) },
    tenants: {
      tenantCount: value(),
      correspondents: { shared: { counters: all(['told', 'not_told', 'restored']) } },
      nat: {
        devices: value(),
        blocks: { size: value() },
        nat: {
          mappings: { size: value() },
          flows: { size: value() },
          counters: all(['pickedUp', 'restored', 'refused', 'deviating']),
        },
        counters: all(['withoutBlock', 'conflicts', 'told', 'untold', 'adopted']),
      },
    },
    udpProxy: { size: value(), dropped: all(['foreign', 'tooLarge', 'notSent']), unopened: all(['limit', 'internal']) },
    tcpProxy: { size: value() },
    faults: { counters: all(keys(noFaults.counters)) },
    endings: { counters: all(keys(new Endings([]).counters)) },
    tunPort: { overflows: value() },
    cids: { exhausted: value(), useOf: () => undefined },
    handoff: {
      counters: {
        sent: all(keys(handoffCounters().sent)),
        received: all(keys(handoffCounters().received)),
        resets: value(),
        keyUpdates: value(),
        sendDrops: all(SEND_DROPS),
        receiveDrops: all(RECEIVE_DROPS),
        answered: all(keys(handoffCounters().answered)),
      },
    },
    exchange: {
      sent: all(['datagram', 'outside', 'inner', 'nat', 'filters']),
      dropped: all(['datagram', 'outside', 'inner', 'nat', 'filters']),
      bells: value(),
    },
    forwarder: {
      counters: {
        ...all(['fragmented', 'held', 'followed']),
        totals: all(['packetsUp', 'bytesUp', 'packetsDown', 'bytesDown']),
        drops: { of: (reason: (typeof DROP_REASONS)[number]) => drops[reason] },
      },
    },
  };
  const host = {
    sockets: [{ counters: all(UDP_COUNTERS) }],
    tun: { counters: all(TUN_COUNTERS) },
    fallbacks: ['gro', 'vnet_hdr', 'receive_buffer', 'namespaces'],
  };
  return { edge: edge as unknown as Edge, host: host as unknown as HostParts, connection, http3 };
};

const BY_CONTROLLER = 'cloudbridge_quic_congestion_connections_count';
/** Of the whole process, by its main thread (`worker-metrics.ts`); `tunnel.test.ts` sees it move. */
const OF_PROCESS = 'cloudbridge_worker_resident_bytes';
/** Says yes or no; `handoff.test.ts` sees it move. */
const KEYS_IN_USE = 'cloudbridge_cids_keys_count';
/** Of `wireguard run`, and of the main thread (`worker-forwarding.test.ts` sees it move). */
const OTHERS = ['cloudbridge_wireguard_lost_', 'cloudbridge_network_'];
const WIREGUARD_TOTALS = [
  ...(['receivedMessages', 'sentMessages', 'receivedBytes', 'sentBytes'] as const),
  ...(['initiationsSent', 'responsesSent', 'sessions'] as const),
];
const threadSeries = LAYOUT.series.filter(
  ({ spec }) =>
    !['control', 'routing'].includes(spec.layer) &&
    spec.type !== 'histogram' &&
    ![BY_CONTROLLER, OF_PROCESS, KEYS_IN_USE].includes(spec.name) &&
    !OTHERS.some((prefix) => spec.name.startsWith(prefix)),
);

test('every series of a thread moves, and each shows something else', () => {
  const { edge, host } = counted();
  const slots = allocateSlots();
  new EdgeMetrics(slots, edge, host).collect();
  const shown = new Map<number, string>();
  for (const { spec, labels, at } of threadSeries) {
    const name = `${spec.name} ${JSON.stringify(labels)}`;
    const value = slots[at] as number;
    assert.ok(value > 0, `${name} stays at ${value}`);
    if (spec.name === 'cloudbridge_host_fallbacks_count') continue;
    assert.equal(shown.get(value), undefined, `${name} shows the same as another`);
    shown.set(value, name);
  }
  assert.ok(shown.size > 80, `${shown.size}`);
  const byController = LAYOUT.series.filter(({ spec }) => spec.name === BY_CONTROLLER);
  assert.deepEqual(
    byController.map(({ labels, at }) => [labels['controller'], slots[at]]),
    [
      ['bbrv3', 0],
      ['cubic', 1],
      ['newreno', 0],
    ],
  );
});

test('what a connection has counted stays when it is over', () => {
  const { edge, host, connection } = counted();
  const slots = allocateSlots();
  const metrics = new EdgeMetrics(slots, edge, host);
  metrics.collect();
  const before = slots.slice();
  const { endpoint } = edge as unknown as {
    endpoint: { onForgotten: (one: unknown) => void; forEach: (each: (one: unknown) => void) => void };
  };
  endpoint.forEach = () => {};
  endpoint.onForgotten(connection);
  metrics.collect();
  for (const { spec, at } of threadSeries) assert.equal(slots[at], before[at], spec.name);
});

test('a thread that is late says how much, and beats', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const slots = allocateSlots();
  const heartbeat = new Float64Array(allocateBeat());
  let turns = 0;
  const delay = new LoopDelay(slots, heartbeat, () => turns++);
  assert.equal(beatingThread(heartbeat), native.threadId());
  const begun = lastBeat(heartbeat);
  t.mock.timers.tick(300);
  const last = lastBeat(heartbeat);
  assert.ok(last > begun && last <= nowUs());
  delay.close();
  t.mock.timers.tick(300);
  assert.equal(lastBeat(heartbeat), last);
  assert.equal(turns, 6);
  const histogram = LAYOUT.series.find(({ spec }) => spec.name === 'cloudbridge_loop_delay_seconds');
  const at = histogram?.at as number;
  const buckets = histogram?.spec.buckets?.length ?? 0;
  assert.equal(
    slots.subarray(at, at + buckets + 1).reduce((sum, count) => sum + count, 0),
    6,
  );
});

test('handshake threads tell how long their work waited', () => {
  const { edge, host } = counted();
  const slots = allocateSlots();
  new EdgeMetrics(slots, edge, host);
  for (const waitedUs of [20, 700, 3_000_000]) edge.desk?.onDone?.(waitedUs, 400);
  const histogram = LAYOUT.series.find(({ spec }) => spec.name === 'cloudbridge_handshake_thread_wait_seconds');
  const at = histogram?.at as number;
  const buckets = histogram?.spec.buckets?.length ?? 0;
  // 0.1 ms, 1 ms, more than the last one; then the sum.
  assert.deepEqual([...slots.subarray(at, at + buckets + 2)], [1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 3.00072]);
});

test('what QPACK counted stays when its connection is over, what it kept is gone', () => {
  const { edge, host, http3 } = counted();
  const slots = allocateSlots();
  const metrics = new EdgeMetrics(slots, edge, host);
  metrics.collect();
  const qpack = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_qpack_'));
  const before = qpack.map(({ at }) => slots[at]);
  edge.connections.connectionClosed(http3, { by: 'remote', application: true, code: 0x100, reason: '' });
  metrics.collect();
  const after = qpack.map(({ spec, at }, i) => (spec.type === 'counter' ? slots[at] === before[i] : slots[at] === 0));
  assert.equal(qpack.length, 8);
  assert.ok(after.every(Boolean), String(after));
});
