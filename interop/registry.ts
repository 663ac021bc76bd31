import type { SuiteRow } from '#bench/suite.ts';

/** Suites of `cloudbridge interop`: against other implementations. A new suite is a file here and a row. */
export const INTEROP_SUITES: readonly SuiteRow[] = [
  {
    name: 'quic',
    summary: 'QUIC and HTTP/3 with quic-go and ngtcp2, we as client and as server; names after the QUIC interop runner',
    load: async () => (await import('./quic.ts')).cases,
  },
  {
    name: 'masque',
    summary: 'CONNECT-IP and CONNECT-UDP with connect-ip-go and quic-go, we as client and as proxy',
    load: async () => (await import('./masque.ts')).cases,
  },
];
