import { OUR_AS, OURS, type Peer } from '../peer.ts';
import { addressOf, asOf, oneSession, withScene } from '../scene.ts';
import { other, type Proof, plainOf, wantRoutes } from './proof.ts';

const ROUTE = { prefix: '203.0.113.0/24', med: 5, communities: ['64999:1'] };

/** Two of our own AS, neither of which has a session with the other: each is told the other's routes by us. */
export const reflector: Proof = (name) => {
  const client = { as: OUR_AS, ours: { route_reflector_client: true, next_hop4: undefined, next_hop6: undefined } };
  const cast = [
    { name, setup: { sessions: oneSession(), routes: [ROUTE] }, ...client },
    { name: other(name), setup: { sessions: oneSession(), routes: [] }, ...client },
  ];
  return withScene({ cast }, ({ peers }) =>
    wantRoutes('the other view of its route', () => (peers[1] as Peer).routes(4, 'ipv4-unicast'), [
      {
        ...plainOf(ROUTE, 0, addressOf(name, 4)),
        // RFC 4456 §8: who it is from, and whose cluster it has come through.
        ...{ asPath: '', originator: addressOf(name, 4), clusterList: OURS.four },
      },
    ]),
  );
};

/**
 * We are no part of the path between the two. All peers are one host, and BIRD takes no route whose next hop is an address
 * of its own host.
 */
export const routeServer: Proof = (name) => {
  const client = { ours: { route_server_client: true, next_hop4: undefined, next_hop6: undefined } };
  const cast = [
    { name, setup: { sessions: oneSession(), routes: [ROUTE] }, ...client },
    { name: name === 'GoBGP' ? 'FRR' : 'GoBGP', setup: { sessions: oneSession(), routes: [] }, ...client },
  ] as const;
  return withScene({ cast }, ({ peers }) =>
    wantRoutes('the other view of its route', () => (peers[1] as Peer).routes(4, 'ipv4-unicast'), [
      plainOf(ROUTE, asOf(name), addressOf(name, 4)),
    ]),
  );
};
