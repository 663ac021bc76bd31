import { labelValues, METRICS, type MetricSpec } from '#telemetry/metrics.ts';
import { observe } from '#telemetry/slots.ts';
import type { Edge } from '../edge.ts';
import { DROP_REASONS } from '../forward/drop-reason.ts';
import { collectEdgeWireGuard } from '../wireguard/metrics.ts';
import { collectHandoff } from './handoff-metrics.ts';
import { collectHost, type HostParts } from './host-metrics.ts';
import { collectFilters, collectNat } from './nat-metrics.ts';
import { collectConnections, collectEndpoint, collectOutcomes } from './quic-metrics.ts';
import { QuicCounting } from './quic-totals.ts';
import { byLabel, collectAll, single } from './series.ts';
import { collectTickets } from './ticket-metrics.ts';

const CONNECTIONS = byLabel('cloudbridge_quic_connections_count', 'state');
const CONTROLLERS = labelValues('cloudbridge_quic_congestion_connections_count', 'controller');
const BY_CONTROLLER = byLabel('cloudbridge_quic_congestion_connections_count', 'controller');
const REQUESTS = byLabel('cloudbridge_http3_requests_total', 'kind');
const HTTP2_CONNECTIONS = single('cloudbridge_http2_connections_count');
const HTTP2_HANDSHAKES = byLabel('cloudbridge_http2_handshakes_total', 'outcome');
const HTTP2_REFUSED = byLabel('cloudbridge_http2_refused_connections_total', 'reason');
const HTTP2_REQUESTS = byLabel('cloudbridge_http2_requests_total', 'kind');
const HTTP3_LOST = byLabel('cloudbridge_http3_lost_datagrams_total', 'reason');
const QPACK_ENTRIES = byLabel('cloudbridge_qpack_entries_total', 'direction');
const QPACK_REFERENCED = byLabel('cloudbridge_qpack_referenced_fields_total', 'direction');
const QPACK_BLOCKED = single('cloudbridge_qpack_blocked_sections_total');
const QPACK_MEMORY = byLabel('cloudbridge_qpack_memory_bytes', 'of');
const ADMISSIONS = byLabel('cloudbridge_admissions_total', 'outcome');
const QLOGGED = single('cloudbridge_qlog_connections_count');
const QLOG_BYTES = single('cloudbridge_qlog_written_bytes_total');
const QLOG_RECORDS = byLabel('cloudbridge_qlog_records_total', 'outcome');
const QLOG_UNLOGGED = byLabel('cloudbridge_qlog_unlogged_connections_total', 'reason');
const SESSIONS = single('cloudbridge_sessions_count');
const TENANTS = single('cloudbridge_tenants_count');
const PACKETS = byLabel('cloudbridge_forward_packets_total', 'direction');
const BYTES = byLabel('cloudbridge_forward_bytes_total', 'direction');
const DROPPED = byLabel('cloudbridge_forward_dropped_packets_total', 'reason');
const EXCHANGED = byLabel('cloudbridge_exchange_records_total', 'kind');
const EXCHANGE_DROPPED = byLabel('cloudbridge_exchange_dropped_records_total', 'kind');
const BELLS = single('cloudbridge_exchange_bells_total');
const HELD = single('cloudbridge_forward_held_packets_total');
const FOLLOWED = single('cloudbridge_forward_followed_packets_total');
const FRAGMENTED = single('cloudbridge_forward_fragmented_packets_total');
const TUNNELS = byLabel('cloudbridge_proxy_tunnels_count', 'kind');
const PROXY_REFUSED = byLabel('cloudbridge_proxy_refused_tunnels_total', 'reason');
const PROXY_LOST = byLabel('cloudbridge_proxy_lost_datagrams_total', 'reason');
const ENDED = byLabel('cloudbridge_ended_tunnels_total', 'reason');
const FAULTS = byLabel('cloudbridge_faults_total', 'ended');
const WAITED = 'cloudbridge_handshake_thread_wait_seconds';
const WAITED_AT = single(WAITED);
const SPECS: readonly MetricSpec[] = METRICS;
const WAITED_BUCKETS = SPECS.find(({ name }) => name === WAITED)?.buckets ?? [];
const AWAY = single('cloudbridge_handshake_thread_sessions_count');
const PROXY_UNOPENED = byLabel('cloudbridge_proxy_unopened_sockets_total', 'reason');

/** Brings a thread's slots up to date with what its parts have counted. */
export class EdgeMetrics {
  readonly #slots: Float64Array;
  readonly #edge: Edge;
  readonly #host: HostParts;
  readonly #quic: QuicCounting;

  constructor(slots: Float64Array, edge: Edge, host: HostParts) {
    this.#slots = slots;
    this.#edge = edge;
    this.#host = host;
    this.#quic = new QuicCounting(edge.endpoint);
    const { desk } = edge;
    if (desk === undefined) return;
    desk.onDone = (waitedUs) => observe(slots, WAITED_AT, WAITED_BUCKETS, waitedUs / 1e6);
  }

  collect(): void {
    const slots = this.#slots;
    const { endpoint, connections } = this.#edge;
    collectHost(slots, this.#host);
    collectEndpoint(slots, endpoint.counters);
    collectOutcomes(slots, connections);
    collectConnections(slots, this.#quic.totals());
    const byController = this.#quic.byController();
    for (const name of CONTROLLERS) slots[BY_CONTROLLER[name]] = byController[name] ?? 0;
    slots[AWAY] = this.#edge.desk?.away ?? 0;
    slots[CONNECTIONS.handshake] = endpoint.handshakes;
    slots[CONNECTIONS.confirmed] = endpoint.connections - endpoint.handshakes;
    const { withoutStream, notSent } = connections.lostDatagrams();
    slots[HTTP3_LOST.no_stream] = withoutStream;
    slots[HTTP3_LOST.not_sent] = notSent;
    this.#collectCarrier();
    this.#collectQlog();
    this.#collectQpack();
    this.#collectTunnels();
    this.#collectForwarding();
    collectTickets(slots, this.#edge.tickets, this.#edge.tls.refusedEarlyData);
    collectNat(slots, this.#edge.tenants.nat);
    collectFilters(slots, this.#edge.tenants.correspondents);
    collectHandoff(slots, this.#edge.cids, this.#edge.handoff);
    collectEdgeWireGuard(slots, this.#edge.wireguard);
  }

  #collectCarrier(): void {
    const slots = this.#slots;
    const { carrier } = this.#edge;
    if (carrier === undefined) return;
    const { handshakes, failedHandshakes, refused } = carrier.counters;
    slots[HTTP2_CONNECTIONS] = carrier.size;
    slots[HTTP2_HANDSHAKES.complete] = handshakes;
    slots[HTTP2_HANDSHAKES.failed] = failedHandshakes;
    collectAll(slots, HTTP2_REFUSED, refused);
    collectAll(slots, HTTP2_REQUESTS, carrier.requests.counters);
  }

  #collectQlog(): void {
    const slots = this.#slots;
    const { size, counters } = this.#edge.qlog;
    slots[QLOGGED] = size;
    slots[QLOG_BYTES] = counters.bytes;
    collectAll(slots, QLOG_RECORDS, counters.records);
    collectAll(slots, QLOG_UNLOGGED, counters.unlogged);
  }

  #collectQpack(): void {
    const slots = this.#slots;
    const { inserted, references, blockedSections, bytes } = this.#edge.connections.qpack();
    collectAll(slots, QPACK_ENTRIES, inserted);
    collectAll(slots, QPACK_REFERENCED, references);
    slots[QPACK_BLOCKED] = blockedSections;
    slots[QPACK_MEMORY.device_entries] = bytes.received;
    slots[QPACK_MEMORY.own_entries] = bytes.sent;
    slots[QPACK_MEMORY.blocked_streams] = bytes.held;
  }

  #collectTunnels(): void {
    const slots = this.#slots;
    const { requests, admission, sessions, tenants, targets, udpProxy, tcpProxy, endings, faults } = this.#edge;
    collectAll(slots, REQUESTS, requests.counters);
    collectAll(slots, ADMISSIONS, admission.outcomes);
    slots[SESSIONS] = this.#edge.sessionCount;
    slots[TENANTS] = tenants.tenantCount;
    slots[TUNNELS.udp] = udpProxy.size;
    slots[TUNNELS.tcp] = tcpProxy.size;
    collectAll(slots, PROXY_REFUSED, { ...targets.refused, no_tun: sessions.unserved });
    slots[PROXY_LOST.foreign] = udpProxy.dropped.foreign;
    slots[PROXY_LOST.too_large] = udpProxy.dropped.tooLarge;
    slots[PROXY_LOST.not_sent] = udpProxy.dropped.notSent;
    collectAll(slots, FAULTS, faults.counters);
    collectAll(slots, ENDED, endings.counters);
    collectAll(slots, PROXY_UNOPENED, udpProxy.unopened);
  }

  #collectForwarding(): void {
    const slots = this.#slots;
    const { forwarder, tunPort, exchange } = this.#edge;
    if (exchange !== undefined) {
      collectAll(slots, EXCHANGED, exchange.sent);
      collectAll(slots, EXCHANGE_DROPPED, exchange.dropped);
      slots[BELLS] = exchange.bells;
    }
    const { totals, drops, fragmented, held, followed } = forwarder.counters;
    slots[PACKETS.up] = totals.packetsUp;
    slots[PACKETS.down] = totals.packetsDown;
    slots[BYTES.up] = totals.bytesUp;
    slots[BYTES.down] = totals.bytesDown;
    slots[FRAGMENTED] = fragmented;
    slots[HELD] = held;
    slots[FOLLOWED] = followed;
    for (const reason of DROP_REASONS) slots[DROPPED[reason]] = drops.of(reason);
    // The batch of the TUN is written after the forwarder has handed its packets over.
    slots[DROPPED.tun_queue_full] = drops.of('tun_queue_full') + (tunPort?.overflows ?? 0);
  }
}
