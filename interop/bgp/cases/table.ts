import { wellKnown } from './communities.ts';
import { bfd, holdTimer, sendHold } from './failures.ts';
import { gtsm, gtsmFar, md5 } from './guards.ts';
import { extendedNextHop, flowSpec, largest } from './messages.ts';
import type { Proof } from './proof.ts';
import { reflector, routeServer } from './reflection.ts';
import { gracefulRestart, longLived } from './restarts.ts';
import { roles, strictRole } from './roles.ts';
import { addPath, many, refresh, routes, transit } from './routes.ts';
import { collision, extendedOpen, goodbye, session, shutdown } from './sessions.ts';

/** In the order in which they are told of. */
export const CASES: readonly (readonly [name: string, summary: string, proof: Proof])[] = [
  ['session', 'sessions over IPv4 and IPv6, as both ends and `cloudbridge bgp status --json` have them', session],
  ['routes', 'IPv4 and IPv6 routes both ways with every attribute, and withdrawn', routes],
  ['transit', 'routes of one peer at the other by us: communities of all kinds, AS path, next hop, no MED', transit],
  ['add-path', 'several paths of a prefix, both ways (RFC 7911)', addPath],
  [
    'graceful-restart',
    'the peer is killed and comes back: its route stays, and is told again (RFC 4724)',
    gracefulRestart,
  ],
  ['refresh', 'all routes once more, between marks where the peer has them (RFC 2918, RFC 7313)', refresh],
  ['roles', 'provider and customer both ways, OTC, and two providers refused (RFC 9234)', roles],
  ['extended-messages', 'a route of 7,200 bytes of attributes through us (RFC 8654)', largest],
  ['extended-next-hop', 'IPv4 with next hops of IPv6 (RFC 8950)', extendedNextHop],
  [
    'communities',
    'GRACEFUL_SHUTDOWN, NO_EXPORT, NO_ADVERTISE, BLACKHOLE, ours and theirs (RFC 1997, 8326, 7999)',
    wellKnown,
  ],
  ['reflector', 'two of our AS, by us: ORIGINATOR_ID and CLUSTER_LIST (RFC 4456)', reflector],
  ['route-server', 'we are in no path between the two (RFC 7947)', routeServer],
  ['long-lived', 'the peer stays away: its route is the last resort (RFC 9494)', longLived],
  ['strict-role', 'a peer that does not say its role (RFC 9234 §4.2)', strictRole],
  ['extended-open', 'an OPEN of ten families, whose optional parameters have their long form (RFC 9072)', extendedOpen],
  ['send-hold', 'a peer that takes nothing is given up (RFC 9687)', sendHold],
  ['gtsm-far', 'a router in between: two hops, and one (RFC 5082)', gtsmFar],
  ['md5', 'the same key, and another (RFC 2385)', md5],
  ['gtsm', 'both with a hop limit of 255, and the peer without (RFC 5082)', gtsm],
  ['collision', 'both connect: one session, three times over (RFC 4271 §6.8)', collision],
  ['shutdown', 'the peer ends with a text, which is told (RFC 9003)', shutdown],
  ['goodbye', 'we end: the peer knows at once', goodbye],
  ['hold-timer', 'a silent cut: both ends find out within the hold time of 3 s', holdTimer],
  ['bfd', 'BFD at 3 times 50 ms: a silent cut ends the session at once (RFC 5882, RFC 9384)', bfd],
  ['flowspec', 'a flow specification through us (RFC 8955)', flowSpec],
  ['many', '100,000 routes through us, and withdrawn', many],
];
