import { addPath } from './add-path.ts';
import type { CapabilityRow } from './definition.ts';
import { enhancedRouteRefresh } from './enhanced-route-refresh.ts';
import { extendedMessages } from './extended-messages.ts';
import { extendedNextHop } from './extended-next-hop.ts';
import { fourOctetAs } from './four-octet-as.ts';
import { gracefulRestart } from './graceful-restart.ts';
import { longLived } from './long-lived.ts';
import { multiprotocol } from './multiprotocol.ts';
import { role } from './role.ts';
import { routeRefresh } from './route-refresh.ts';

/** Every capability that we know, in the order in which they are sent. */
export const CAPABILITIES: readonly CapabilityRow[] = [
  multiprotocol,
  routeRefresh,
  extendedNextHop,
  extendedMessages,
  role,
  gracefulRestart,
  fourOctetAs,
  addPath,
  enhancedRouteRefresh,
  longLived,
];
