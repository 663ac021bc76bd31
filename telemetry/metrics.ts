/** One metric: what `/metrics` shows, and what dashboards and alerts may name. */
export type MetricSpec = {
  /** `cloudbridge_<subsystem>_<what>_<unit>[_total]`, base units (seconds, bytes, ratio). Counters end in `_total`. */
  readonly name: `cloudbridge_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What one is: `bytes`, `seconds`, `datagrams`, … */
  readonly unit: string;
  /** Label names with all their values: nothing unbounded (addresses, users, sessions). sum() over them makes sense. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly help: string;
  /** Where it is counted. */
  readonly layer: 'host' | 'protocol' | 'dataplane' | 'control';
  /** Upper bounds of a histogram's buckets, ascending, without the last one that takes all. */
  readonly buckets?: readonly number[];
};

/** Every metric. A new one is a row; its types and its place in the shared counters follow. */
export const METRICS = [
  {
    name: 'cloudbridge_udp_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { direction: ['received', 'sent'] },
    help: 'UDP datagrams that went through our sockets; of a GSO or GRO burst each segment counts',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { direction: ['received', 'sent'] },
    help: 'Payload of those datagrams',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_lost_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['truncated', 'too_large', 'no_buffers', 'refused', 'not_permitted', 'unreachable', 'other'] },
    help: 'UDP datagrams that could not be sent or did not fit where they were received',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_messages_total',
    type: 'counter',
    unit: 'messages',
    labels: { direction: ['received', 'sent'] },
    help: 'Messages in which those datagrams travelled: with GSO and GRO one carries up to 64 of them',
    layer: 'host',
  },
  {
    name: 'cloudbridge_udp_blocked_sends_total',
    type: 'counter',
    unit: 'sends',
    labels: {},
    help: 'Sends that had to wait because a socket was full',
    layer: 'host',
  },
  {
    name: 'cloudbridge_tun_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { direction: ['read', 'written'] },
    help: 'Packets between the TUN and us; one with segmentation offload counts once',
    layer: 'host',
  },
  {
    name: 'cloudbridge_tun_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { direction: ['read', 'written'] },
    help: 'Bytes of those packets',
    layer: 'host',
  },
  {
    name: 'cloudbridge_tun_lost_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { reason: ['read', 'invalid', 'no_buffers', 'down', 'other'] },
    help: 'Packets that the TUN refused; a full one is `tun_queue_full` of cloudbridge_forward_dropped_packets_total',
    layer: 'host',
  },
  {
    name: 'cloudbridge_quic_connections_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['handshake', 'confirmed'] },
    help: 'QUIC connections that are not yet forgotten, closing ones included',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_handshakes_total',
    type: 'counter',
    unit: 'handshakes',
    labels: { result: ['full', 'resumed', 'failed'] },
    help: 'Handshakes that were completed, or ended before',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_refused_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: { reason: ['too_many_connections', 'too_many_handshakes', 'draining', 'token'] },
    help: 'Connections that were not accepted',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_closed_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: { by: ['local', 'remote', 'idle', 'reset', 'version'] },
    help: 'Connections that ended, by who or what ended them',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_replies_total',
    type: 'counter',
    unit: 'replies',
    labels: { kind: ['retry', 'version_negotiation', 'stateless_reset'] },
    help: 'Answers to datagrams of no connection',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_dropped_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['too_short', 'malformed', 'small_initial', 'unknown', 'reply_limit'] },
    help: 'UDP datagrams that belong to no connection, by why nothing came of them',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { direction: ['received', 'sent'] },
    help: 'QUIC packets; several may share a datagram',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_dropped_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: {
      reason: ['duplicate', 'forged', 'malformed', 'no_keys', 'version', 'connection_id', 'address', 'closed', 'early'],
    },
    help: 'Packets of a connection that were not processed',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_lost_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { verdict: ['lost', 'spurious'] },
    help: 'Sent packets that were deemed lost; spurious ones were acknowledged later and are among the lost',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_probe_timeouts_total',
    type: 'counter',
    unit: 'timeouts',
    labels: {},
    help: 'Probe timeouts (RFC 9002 §6.2)',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_path_changes_total',
    type: 'counter',
    unit: 'changes',
    labels: {},
    help: 'Connections whose peer came to be at another address',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_key_updates_total',
    type: 'counter',
    unit: 'updates',
    labels: {},
    help: 'Key updates (RFC 9001 §6)',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_quic_unsent_payloads_total',
    type: 'counter',
    unit: 'payloads',
    labels: { reason: ['queue_full', 'too_large'] },
    help: 'DATAGRAM payloads that were not sent: no room in the queue, or the path takes no such size any more',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_http3_requests_total',
    type: 'counter',
    unit: 'requests',
    labels: { kind: ['ip', 'udp', 'tcp', 'other'] },
    help: 'HTTP/3 requests: tunnels by kind, and what else was asked for',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_http3_lost_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['no_stream', 'not_sent'] },
    help: 'HTTP Datagrams for a request that is not there, and those that QUIC did not take',
    layer: 'protocol',
  },
  {
    name: 'cloudbridge_admissions_total',
    type: 'counter',
    unit: 'admissions',
    labels: { outcome: ['admitted', 'unauthorized', 'forbidden', 'unavailable'] },
    help: 'Decisions about tokens',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_sessions_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Devices that are connected',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_tenants_count',
    type: 'gauge',
    unit: 'count',
    labels: {},
    help: 'Tenants that are known, as each thread knows them',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_forward_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { direction: ['up', 'down'] },
    help: 'Inner packets from devices (up) and to devices (down)',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_forward_bytes_total',
    type: 'counter',
    unit: 'bytes',
    labels: { direction: ['up', 'down'] },
    help: 'Bytes of those packets, from the IP header on',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_forward_dropped_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: {
      reason: [
        'truncated',
        'version',
        'header_length',
        'total_length',
        'header_checksum',
        'extension_header',
        'source_address',
        'hop_limit',
        'no_route',
        'destination_refused',
        'too_big',
        'session_queue_full',
        'tun_queue_full',
        'egress_not_allowed',
        'unknown_carrier',
        'offload',
      ],
    },
    help: 'Inner packets that were not forwarded',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_tunnels_count',
    type: 'gauge',
    unit: 'count',
    labels: { kind: ['udp', 'tcp'] },
    help: 'Open tunnels to single targets (CONNECT-UDP, CONNECT)',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_refused_tunnels_total',
    type: 'counter',
    unit: 'tunnels',
    labels: { reason: ['token', 'no_egress', 'limit', 'destination', 'name', 'no_tun'] },
    help: 'Tunnels to single targets that were refused before anything was opened; no_tun: CONNECT-IP without a TUN',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_lost_datagrams_total',
    type: 'counter',
    unit: 'datagrams',
    labels: { reason: ['foreign', 'too_large', 'not_sent'] },
    help: 'Datagrams of CONNECT-UDP that came from elsewhere than the target, or went nowhere',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_proxy_unopened_sockets_total',
    type: 'counter',
    unit: 'sockets',
    labels: { reason: ['limit', 'internal'] },
    help: 'Sockets for CONNECT-UDP that did not open: no descriptors or memory left, or the machine does not let us',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_ended_tunnels_total',
    type: 'counter',
    unit: 'tunnels',
    labels: { reason: ['expired', 'revoked', 'tenant_gone', 'destination_refused'] },
    help: 'Tunnels of all kinds that the worker ended, by why they could not go on',
    layer: 'dataplane',
  },
  {
    name: 'cloudbridge_nat_connections_total',
    type: 'counter',
    unit: 'connections',
    labels: {},
    help: 'Connections of devices that the kernel translated to an address of the worker',
    layer: 'control',
  },
  {
    name: 'cloudbridge_nat_dropped_packets_total',
    type: 'counter',
    unit: 'packets',
    labels: { reason: ['foreign_source', 'refused', 'unsolicited', 'to_worker'] },
    help: 'Packets between TUN and network that the kernel did not forward',
    layer: 'control',
  },
  {
    name: 'cloudbridge_worker_state_count',
    type: 'gauge',
    unit: 'count',
    labels: { state: ['starting', 'ready', 'draining', 'withdrawn', 'stopping'] },
    help: '1 at the state that the worker is in',
    layer: 'control',
  },
  {
    name: 'cloudbridge_host_fallbacks_count',
    type: 'gauge',
    unit: 'count',
    labels: { feature: ['gso', 'gro', 'vnet_hdr', 'receive_buffer', 'namespaces'] },
    help: 'Places that do without a feature of the machine which would be used if it were there',
    layer: 'host',
  },
  {
    name: 'cloudbridge_loop_delay_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: {},
    buckets: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
    help: 'How late a thread came to what was due',
    layer: 'dataplane',
  },
] as const satisfies readonly MetricSpec[];

type Metric = (typeof METRICS)[number];
export type MetricName<T extends MetricSpec['type'] = MetricSpec['type']> = Extract<Metric, { type: T }>['name'];

type ValuesOf<L extends MetricSpec['labels']> = { readonly [K in keyof L]: L[K][number] };

/** The labels of one metric, each with one of its values. */
export type LabelsOf<N extends MetricName> = ValuesOf<Extract<Metric, { name: N }>['labels']>;

/** All values of one label, in the order of its row: whoever counts by them takes them from here. */
export const labelValues = <N extends MetricName, K extends keyof LabelsOf<N> & string>(
  name: N,
  label: K,
): readonly (LabelsOf<N>[K] & string)[] => {
  const specs: readonly MetricSpec[] = METRICS;
  const values = specs.find((metric) => metric.name === name)?.labels[label] ?? [];
  return values as readonly (LabelsOf<N>[K] & string)[];
};
