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
    name: 'congestion',
    summary: 'BBRv3 and CUBIC over real sockets and an emulated bottleneck, beside what the simulation says',
    load: async () => (await import('./suites/congestion.ts')).cases,
  },
  {
    name: 'tunnel',
    summary: 'TCP and round trips through a worker and `cloudbridge connect`, beside connect-ip-go',
    load: async () => (await import('./suites/tunnel.ts')).cases,
  },
];
