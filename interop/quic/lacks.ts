/** What a peer's programs cannot do, so that a case is not run with it. */
type Lack = {
  readonly peer: string;
  /** The peer's role. */
  readonly as: 'client' | 'server' | 'either';
  readonly case: string;
  readonly reason: string;
};

export const LACKS: readonly Lack[] = [
  {
    peer: 'quic-go',
    as: 'either',
    case: 'v2',
    reason: 'no compatible version negotiation (RFC 9368): it stays in the version that it starts with',
  },
  { peer: 'aioquic', as: 'either', case: 'ecn', reason: 'it marks nothing' },
  {
    peer: 'ngtcp2',
    as: 'server',
    case: 'rebind-port',
    reason: 'the server of Debian’s 0.12 acknowledges on a new path before it sends PATH_CHALLENGE there',
  },
  {
    peer: 'ngtcp2',
    as: 'server',
    case: 'rebind-addr',
    reason: 'the server of Debian’s 0.12 acknowledges on a new path before it sends PATH_CHALLENGE there',
  },
  {
    peer: 'ngtcp2',
    as: 'server',
    case: 'connectionmigration',
    reason: 'the server of Debian’s 0.12 acknowledges on a new path before it sends PATH_CHALLENGE there',
  },
  { peer: 'aioquic', as: 'server', case: 'goodput', reason: 'its Reno brings 9.0 Mbit/s to its own client too' },
  {
    peer: 'ngtcp2',
    as: 'server',
    case: 'handshakecorruption',
    reason:
      'the server of Debian’s 0.12 sends Retry when the second datagram of a ClientHello comes first, and then ends ' +
      'connections with INVALID_TOKEN, as if it read a token that was changed on the way before it knew the packet for authentic',
  },
  { peer: 'ngtcp2', as: 'either', case: 'v2', reason: 'Debian’s 0.12 knows drafts of version 2 only' },
];

/** Why a peer in a role cannot run a case; undefined: it can. */
export const lackOf = (peer: string, role: 'client' | 'server', name: string): string | undefined =>
  LACKS.find((row) => row.peer === peer && row.case === name && (row.as === 'either' || row.as === role))?.reason;
