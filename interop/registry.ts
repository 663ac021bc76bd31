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

/** Who is asked in the suite `bgp`. */
export const BGP_PEERS = ['BIRD', 'GoBGP', 'FRR'] as const;

/** The other suites of `cloudbridge interop`: against other implementations. A new suite is a file here and a row. */
export const INTEROP_SUITES: readonly SuiteRow[] = [
  {
    name: 'masque',
    summary: 'CONNECT-IP and CONNECT-UDP with connect-ip-go and quic-go, we as client and as proxy',
    load: async () => (await import('./masque.ts')).cases,
  },
  {
    name: 'ack-frequency',
    summary: 'the ACK frequency extension with quinn, asked for and obeyed, we as client and as server',
    load: async () => (await import('./ack-frequency.ts')).cases,
  },
  {
    name: 'bfd',
    summary:
      'BFD sessions with BIRD: both families, authentication, timers, AdminDown, how soon a killed end is missed',
    load: async () => (await import('./bfd.ts')).cases,
  },
  {
    name: 'bgp',
    summary:
      'BGP sessions with BIRD, GoBGP and FRR: routes both ways, add-path, restarts, roles, keys, BFD, flow specifications',
    load: async () => (await import('./bgp.ts')).casesWith(BGP_PEERS),
  },
  {
    name: 'wireguard',
    summary:
      'WireGuard with wireguard-go and the Linux kernel’s own in a guest: handshakes of either, both families, TCP, roaming, new keys, `wg`',
    load: async () => (await import('./wireguard.ts')).cases,
  },
];
