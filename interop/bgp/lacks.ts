import type { PeerName } from './scene.ts';

/** What a peer cannot do, so that a case is not run with it. */
interface Lack {
  readonly peer: PeerName;
  readonly case: string;
  readonly reason: string;
}

export const LACKS: readonly Lack[] = [
  { peer: 'GoBGP', case: 'roles', reason: 'no BGP roles (RFC 9234) in its source' },
  { peer: 'GoBGP', case: 'refresh', reason: 'its soft reset reads its own Adj-RIB-In again, and asks nobody' },
  { peer: 'GoBGP', case: 'many', reason: 'its client takes a route a call, so BIRD is the one that has them' },
  { peer: 'FRR', case: 'many', reason: 'a line of configuration a route: BIRD is the one that has them' },
  { peer: 'FRR', case: 'bfd', reason: 'it does BFD in another daemon, by zebra, neither of which runs here' },
  {
    peer: 'FRR',
    case: 'flowspec',
    reason: 'it is a client of flow specifications: its documentation says that it sends none',
  },
  {
    peer: 'FRR',
    case: 'extended-open',
    reason: 'it fills no short form, and once made to write the long one it reads all OPENs so (bgp_open_receive)',
  },
  { peer: 'GoBGP', case: 'extended-open', reason: 'it has no RFC 9072' },
];
