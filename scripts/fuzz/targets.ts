/** What is fuzzed: each `survive` of a file of tests is one parser, or one whole connection, with its corpus. */
export interface Target {
  /** From the top of the clone. */
  readonly tests: string;
  /** Folder whose code is to be covered; that of the tests unless it says something else. */
  readonly code?: string;
  /** Share of the time, 1 unless it says something else. */
  readonly weight?: number;
}

const CORE = 'pop-worker/protocol';

/** By the name that the command line takes. Parsers behind a server of their own are left to `npm test`. */
export const TARGETS: Readonly<Record<string, Target>> = {
  'quic-wire': { tests: `${CORE}/quic/wire/corpus.test.ts` },
  'quic-tokens': { tests: `${CORE}/quic/endpoint/tokens.test.ts` },
  'quic-client-hello': { tests: `${CORE}/quic/versions/versions.test.ts` },
  'quic-connection': { tests: `${CORE}/quic/hostile-peer.test.ts`, code: `${CORE}/quic`, weight: 5 },
  qpack: { tests: `${CORE}/qpack/corpus.test.ts` },
  http3: { tests: `${CORE}/http3/corpus.test.ts` },
  'http3-connection': { tests: `${CORE}/http3/hostile-peer.test.ts`, weight: 2 },
  masque: { tests: `${CORE}/masque/corpus.test.ts` },
  'masque-tunnels': { tests: `${CORE}/masque/hostile-peer.test.ts`, weight: 2 },
  bfd: { tests: `${CORE}/bfd/corpus.test.ts` },
  mesh: { tests: `${CORE}/mesh/corpus.test.ts` },
  ip: { tests: `${CORE}/ip/corpus.test.ts` },
  bgp: { tests: `${CORE}/bgp/corpus.test.ts` },
  'bgp-session': { tests: `${CORE}/bgp/fsm/hostile-peer.test.ts`, code: `${CORE}/bgp` },
  dns: { tests: `${CORE}/dns/corpus.test.ts` },
  netlink: { tests: `${CORE}/netlink/corpus.test.ts` },
  'netlink-wireguard': { tests: `${CORE}/netlink/wireguard/corpus.test.ts` },
  'quic-lb': { tests: `${CORE}/quic-lb/corpus.test.ts` },
  handoff: { tests: `${CORE}/handoff/corpus.test.ts` },
  nat: { tests: `${CORE}/nat/corpus.test.ts` },
  'bgp-policy': { tests: `${CORE}/bgp/policy/corpus.test.ts` },
  bmp: { tests: `${CORE}/bmp/corpus.test.ts` },
  mrt: { tests: `${CORE}/mrt/corpus.test.ts` },
  wireguard: { tests: `${CORE}/wireguard/corpus.test.ts` },
  rpki: { tests: `${CORE}/rpki/corpus.test.ts` },
  client: { tests: 'client/corpus.test.ts' },
  tokens: { tests: 'pop-worker/dataplane/admission-corpus.test.ts' },
  'configuration-files': { tests: 'settings/corpus.test.ts' },
  membership: { tests: 'pop-worker/control/records.test.ts' },
  revisions: { tests: 'pop-worker/control/revision-values.test.ts' },
};
