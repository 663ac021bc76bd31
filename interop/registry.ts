import type { SuiteRow } from '#bench/suite.ts';

/** The suite that is a table of cases, peers and roles (`quic/matrix.ts`). */
export const QUIC_SUITE = {
  name: 'quic',
  summary: 'the cases of the QUIC interop runner over an emulated link, we as client and as server',
  /** `ours`: we with ourselves. */
  peers: ['quic-go', 'ngtcp2', 'aioquic', 'ours', 'chromium'],
  /** Ours. */
  roles: ['client', 'server'],
} as const;

/** The other suites of `cloudbridge interop`: against other implementations. A new suite is a file here and a row. */
export const INTEROP_SUITES: readonly SuiteRow[] = [
  {
    name: 'masque',
    summary: 'CONNECT-IP and CONNECT-UDP with connect-ip-go and quic-go, we as client and as proxy',
    load: async () => (await import('./masque.ts')).cases,
  },
];
