import type { SuiteRow } from './suite.ts';

/** Suites of `cloudbridge bench`. A new suite is a file in `suites/` and a row. */
export const BENCH_SUITES: readonly SuiteRow[] = [
  {
    name: 'lab',
    summary: 'how fast the lab comes and goes, and what its plain links carry: the base for every tunnel',
    load: async () => (await import('./suites/lab.ts')).cases,
  },
  {
    name: 'quic',
    summary: 'transfers, DATAGRAMs, handshakes, requests and idle connections of QUIC, beside quic-go, quinn, s2n-quic',
    load: async () => (await import('./suites/quic.ts')).cases,
  },
  {
    name: 'quic-bulk',
    summary: 'how fast one QUIC connection carries bytes, and what a packet costs each side, beside quic-go',
    load: async () => (await import('./suites/quic-bulk.ts')).cases,
  },
  {
    name: 'quic-flood',
    summary: 'what a connection keeps, and what a server holds, under floods of Initials and of handshakes',
    load: async () => (await import('./suites/quic-flood.ts')).cases,
  },
  {
    name: 'flip',
    summary:
      'QUIC connections whose route moves to another living PoP and back: what they lose, and how much later it comes',
    load: async () => (await import('./suites/flip.ts')).cases,
  },
  {
    name: 'congestion',
    summary: 'BBRv3 and CUBIC over real sockets and an emulated bottleneck, beside what the simulation says',
    load: async () => (await import('./suites/congestion.ts')).cases,
  },
  {
    name: 'failover',
    summary:
      'what clients notice when their PoP dies, is cut off, wedged or drained: streams and TCP through a lab with BGP',
    load: async () => (await import('./suites/failover.ts')).cases,
  },
  {
    name: 'bfd',
    summary: 'BFD with BIRD while a tunnel is full and all threads collect garbage: flaps, and how soon a cut is seen',
    load: async () => (await import('./suites/bfd.ts')).cases,
  },
  {
    name: 'storm',
    summary: '5,000 clients whose worker is killed: how soon all are back at another one, and what others there notice',
    load: async () => (await import('./suites/storm.ts')).cases,
  },
  {
    name: 'tunnel',
    summary: 'TCP and round trips through a worker and `cloudbridge connect`, beside connect-ip-go',
    load: async () => (await import('./suites/tunnel.ts')).cases,
  },
  {
    name: 'wireguard',
    summary: 'TCP, round trips and memory of `cloudbridge wireguard run`, beside wireguard-go',
    load: async () => (await import('./suites/wireguard.ts')).cases,
  },
  {
    name: 'bgp',
    summary:
      'full tables through the BGP speaker, its memory, and how soon a dead neighbour is withdrawn, beside FRR, BIRD, GoBGP',
    load: async () => (await import('./suites/bgp.ts')).cases,
  },
  {
    name: 'routes',
    summary: "100,000 routes into the kernel's tables and out again, beside `ip -batch`",
    load: async () => (await import('./suites/routes.ts')).cases,
  },
  {
    name: 'dns',
    summary: 'how many queries `cloudbridge dns run` answers on one CPU, beside NSD; asked by dnsperf',
    load: async () => (await import('./suites/dns.ts')).cases,
  },
];
