/** What is mutated together and must be noticed by its tests: one codec, named as in `docs/bad-input.md`. */
export interface Codec {
  readonly files: readonly string[];
  /** Globs. Those at the front are run first. */
  readonly tests: readonly string[];
  /** The tests need more than a thread of JavaScript: servers, the packet engine, all of `node:test`, another user. */
  readonly needsProcess?: boolean;
}

const WIRE = 'pop-worker/protocol/quic/wire';
const QPACK = 'pop-worker/protocol/qpack';
const HTTP3 = 'pop-worker/protocol/http3';
const MASQUE = 'pop-worker/protocol/masque';
const IP = 'pop-worker/protocol/ip';
const BFD = 'pop-worker/protocol/bfd';
const BGP = 'pop-worker/protocol/bgp';
const WIREGUARD = 'pop-worker/protocol/wireguard';
const NETLINK = 'pop-worker/protocol/netlink';
const QUIC_LB = 'pop-worker/protocol/quic-lb';
const HANDOFF = 'pop-worker/protocol/handoff';
const MESH = 'pop-worker/protocol/mesh';
const RPKI = 'pop-worker/protocol/rpki';
const MRT = 'pop-worker/protocol/mrt';
const DNS = 'pop-worker/protocol/dns';

export const CODECS: Readonly<Record<string, Codec>> = {
  'quic-integers': {
    files: ['varint', 'reader'].map((name) => `${WIRE}/${name}.ts`),
    tests: [`${WIRE}/varint.test.ts`, `${WIRE}/reader.test.ts`],
  },
  'quic-frames': {
    files: [
      ...[
        'ack',
        'connection-close',
        'crypto',
        'data-blocked',
        'datagram',
        'max-data',
        'max-stream-data',
        'max-streams',
      ],
      ...[
        'ack-frequency',
        'immediate-ack',
        'new-connection-id',
        'new-token',
        'padding',
        'parse',
        'path-challenge',
        'path-response',
        'registry',
      ],
      ...['reset-stream', 'retire-connection-id', 'stop-sending', 'stream', 'stream-data-blocked', 'streams-blocked'],
    ].map((name) => `${WIRE}/frames/${name}.ts`),
    tests: [`${WIRE}/frames/{writers,registry,ack,connection-close,corpus}.test.ts`, `${WIRE}/frames/parse.test.ts`],
  },
  'quic-headers': {
    files: ['header', 'long', 'number', 'reserved-bits', 'retry', 'short', 'version', 'version-negotiation'].map(
      (name) => `${WIRE}/packet/${name}.ts`,
    ),
    tests: [`${WIRE}/packet/*.test.ts`],
  },
  'quic-parameters': {
    files: ['definition', 'encode', 'parse', 'table'].map((name) => `${WIRE}/parameters/${name}.ts`),
    tests: [`${WIRE}/transport-parameters.test.ts`],
  },
  'quic-tokens': {
    files: ['pop-worker/protocol/quic/endpoint/tokens.ts'],
    tests: ['pop-worker/protocol/quic/endpoint/tokens.test.ts'],
  },
  'quic-client-hello': {
    files: ['pop-worker/protocol/quic/versions/client-hello.ts'],
    tests: ['pop-worker/protocol/quic/versions/versions.test.ts'],
  },
  qpack: {
    files: [
      ...['integer', 'strings', 'huffman', 'huffman-states', 'field', 'section-decoder', 'section-encoder'],
      ...['insert-count', 'dynamic-table', 'encoder-stream', 'decoder-stream', 'decoder', 'encoder'],
      ...['encoder-table', 'outstanding-sections', 'entry-policy'],
    ].map((name) => `${QPACK}/${name}.ts`),
    tests: [`${QPACK}/*.test.ts`],
  },
  'http3-frames': {
    files: ['varint', 'frame-parser', 'frames', 'settings'].map((name) => `${HTTP3}/${name}.ts`),
    tests: [`${HTTP3}/{varint,settings,frames,connection-errors}.test.ts`, `${HTTP3}/*.test.ts`],
  },
  'http3-messages': {
    files: ['field-rules', 'message'].map((name) => `${HTTP3}/${name}.ts`),
    tests: [`${HTTP3}/message.test.ts`, `${HTTP3}/malformed.test.ts`, `${HTTP3}/*.test.ts`],
  },
  capsules: {
    files: [
      `${HTTP3}/capsules.ts`,
      `${HTTP3}/datagrams.ts`,
      ...['ip-addresses', 'ip-routes', 'tunnel'].map((name) => `${MASQUE}/${name}.ts`),
    ],
    tests: [`${MASQUE}/ip-capsules.test.ts`, `${MASQUE}/*.test.ts`, `${HTTP3}/{capsules,datagrams,corpus}.test.ts`],
  },
  'masque-targets': {
    files: ['target', 'ip-scope', 'uri-template', 'proxy-status', 'request', 'target-policy'].map(
      (name) => `${MASQUE}/${name}.ts`,
    ),
    tests: [
      `${MASQUE}/{target,uri-template,proxy-status,request,target-policy}.test.ts`,
      `${MASQUE}/{tunnels,corpus,connect-tcp}.test.ts`,
    ],
  },
  'ip-packets': {
    files: ['view', 'checksum', 'icmp', 'rewrite', 'segmenter', 'fragmenter', 'coalescer'].map(
      (name) => `${IP}/${name}.ts`,
    ),
    tests: [`${IP}/{checksum,view,icmp,rewrite,segmenter,fragmenter,coalescer}.test.ts`, `${IP}/corpus.test.ts`],
  },
  'ip-addresses': {
    files: ['text', 'prefix-table'].map((name) => `${IP}/${name}.ts`),
    tests: [`${IP}/{text,prefix-table,corpus}.test.ts`],
  },
  'bfd-packets': {
    files: ['packet', 'authentication/keyed-hash', 'authentication/simple-password', 'authentication/table'].map(
      (name) => `${BFD}/${name}.ts`,
    ),
    tests: [`${BFD}/packet.test.ts`, `${BFD}/authentication/*.test.ts`, `${BFD}/corpus.test.ts`],
  },
  'bfd-sessions': {
    files: [
      'advice',
      'bfd',
      'congestion',
      'demultiplexer',
      'detection',
      'jitter',
      'options',
      'parameters',
      'poll-sequence',
      'session',
      'transitions',
      'transmission',
    ].map((name) => `${BFD}/${name}.ts`),
    tests: [`${BFD}/*.test.ts`, `${BFD}/authentication/*.test.ts`],
  },
  'bgp-messages': {
    files: [
      ...['header', 'messages', 'notification', 'cease', 'utf8', 'route-refresh', 'open', 'update-fields', 'nlri'].map(
        (name) => `${BGP}/wire/${name}.ts`,
      ),
      ...['add-path', 'encode', 'extended-next-hop', 'flag', 'four-octet-as', 'graceful-restart', 'long-lived'].map(
        (name) => `${BGP}/wire/capabilities/${name}.ts`,
      ),
      ...['multiprotocol', 'parse', 'role'].map((name) => `${BGP}/wire/capabilities/${name}.ts`),
    ],
    tests: [`${BGP}/wire/{messages,notification,route-refresh,open,update-fields,nlri}.test.ts`],
  },
  'bgp-updates': {
    files: [
      ...['update', 'update-writer', 'communities'].map((name) => `${BGP}/wire/${name}.ts`),
      ...['aggregator', 'as-path', 'atomic-aggregate', 'canonical', 'communities', 'faults', 'fixed', 'merge'].map(
        (name) => `${BGP}/wire/attributes/${name}.ts`,
      ),
      ...['multiprotocol', 'narrow', 'next-hop', 'origin', 'text'].map((name) => `${BGP}/wire/attributes/${name}.ts`),
    ],
    tests: [`${BGP}/wire/{update,update-errors,update-writer}.test.ts`, `${BGP}/wire/attributes/*.test.ts`],
  },
  'bgp-flow-specs': {
    files: ['actions', 'codec', 'field', 'nlri', 'order', 'prefix', 'text', 'types'].map(
      (name) => `${BGP}/wire/flowspec/${name}.ts`,
    ),
    tests: [`${BGP}/wire/flowspec/*.test.ts`],
  },
  netlink: {
    files: [
      ...['acknowledgement', 'address', 'attributes', 'bytes', 'exchange', 'family', 'header', 'link'],
      ...['neighbour', 'nexthop', 'route', 'rule', 'writer'],
    ].map((name) => `${NETLINK}/${name}.ts`),
    tests: [`${NETLINK}/{round-trip,exchange,writer}.test.ts`, `${NETLINK}/corpus.test.ts`],
  },
  'netlink-wireguard': {
    files: ['generic', ...['read', 'socket-address', 'split', 'write'].map((name) => `wireguard/${name}`)].map(
      (name) => `${NETLINK}/${name}.ts`,
    ),
    tests: [`${NETLINK}/wireguard/*.test.ts`],
  },
  'quic-lb': {
    files: ['codec', 'config', 'configurations', 'four-pass', 'nonces', 'server-id'].map(
      (name) => `${QUIC_LB}/${name}.ts`,
    ),
    tests: [`${QUIC_LB}/*.test.ts`],
  },
  handoff: {
    files: [
      ...['budget', 'counters', 'format', 'joiner', 'limits', 'places', 'receiver', 'replay', 'secrets', 'sender'].map(
        (name) => `${HANDOFF}/${name}.ts`,
      ),
      'pop-worker/protocol/ecn.ts',
    ],
    tests: [`${HANDOFF}/*.test.ts`],
  },
  'mesh-frames': {
    files: [
      ...['frame', 'hello', 'packet', 'presence', 'probe', 'reader', 'relay', 'sources', 'vector', 'writer'].map(
        (name) => `${MESH}/wire/${name}.ts`,
      ),
      `${MESH}/errors.ts`,
      `${MESH}/presence/record.ts`,
    ],
    tests: [`${MESH}/wire/*.test.ts`, `${MESH}/{numbers,presence/digests,peer-messages}.test.ts`],
  },
  rpki: {
    files: [
      ...['changes', 'client', 'errors', 'pdu-stream', 'vrp-table'],
      ...[
        'end-of-data',
        'error-report',
        'pdu',
        'prefix',
        'reset-query',
        'router-key',
        'serial-notify',
        'serial-query',
      ].map((name) => `wire/${name}`),
      'wire/table',
    ].map((name) => `${RPKI}/${name}.ts`),
    tests: [`${RPKI}/*.test.ts`],
  },
  mrt: {
    files: ['attributes', 'dump', 'errors', 'messages', 'record', 'table-dump'].map((name) => `${MRT}/${name}.ts`),
    tests: [`${MRT}/*.test.ts`],
  },
  dns: {
    files: [
      ...['client-subnet', 'cookies', 'framing', 'name', 'numbers', 'places', 'query', 'rate-limit', 'responder'],
      ...['response', 'siphash', 'zone'],
    ].map((name) => `${DNS}/${name}.ts`),
    tests: [`${DNS}/{framing,cookies,edges,responder,places,rate-limit}.test.ts`, `${DNS}/*.test.ts`],
  },
  wireguard: {
    files: ['wire/message', 'wire/transport', 'allowed-ips', 'receiver-index', 'replay-window', 'tai64n'].map(
      (name) => `${WIREGUARD}/${name}.ts`,
    ),
    tests: ['wire/message', 'allowed-ips', 'numbers', 'replay-window'].map((name) => `${WIREGUARD}/${name}.test.ts`),
  },
  socks5: { files: ['client/socks5-messages.ts'], tests: ['client/socks5-messages.test.ts', 'client/corpus.test.ts'] },
  'http-heads': { files: ['client/http-head.ts'], tests: ['client/http-head.test.ts', 'client/corpus.test.ts'] },
  tokens: {
    files: ['pop-worker/dataplane/admission.ts', 'model/claims.ts'],
    tests: ['pop-worker/dataplane/admission*.test.ts', 'model/claims.test.ts'],
  },
  'configuration-files': {
    files: ['settings/toml-file.ts', 'settings/fields.ts'],
    tests: ['settings/*.test.ts'],
    needsProcess: true,
  },
  'admin-lines': {
    files: ['pop-worker/admin/socket.ts'],
    tests: ['pop-worker/admin/*.test.ts'],
    needsProcess: true,
  },
  'rest-requests': {
    files: ['request-json', 'http-rule'].map((name) => `services/api/${name}.ts`),
    tests: ['services/api/request-json.test.ts', 'services/api/rest.test.ts'],
  },
  membership: { files: ['pop-worker/control/records.ts'], tests: ['pop-worker/control/records.test.ts'] },
  'state-files': { files: ['pop-worker/control/state-file.ts'], tests: ['pop-worker/control/state-file.test.ts'] },
  revisions: {
    files: ['model/revision.ts'],
    tests: ['model/revision.test.ts', 'pop-worker/control/revision*.test.ts'],
  },
};
