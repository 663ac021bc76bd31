import type { Step } from '../journey.ts';
import { addresses } from './addresses.ts';
import { anycastRouting } from './anycast-routing.ts';
import { apiCalls, controlPlaneUp, revocation, serviceLost } from './control-plane.ts';
import { drained } from './drained.ts';
import { internetHost } from './internet-host.ts';
import { isolation, refused } from './isolation.ts';
import { namespaces } from './namespaces.ts';
import { controlPlaneBack, controlPlaneLost } from './outage.ts';
import { outside } from './outside.ts';
import { plainPing } from './plain-ping.ts';
import { popLost } from './pop-lost.ts';
import { router } from './router.ts';
import { connect, edgeUp, neighbourPing, overlap, tunnelPing, tunnelRequests, tunnelTransfer } from './tunnel.ts';
import { wireguard } from './wireguard.ts';

/** The journey of `cloudbridge up`, in order. A new step is a file here and a row. */
export const LAB_STEPS: readonly Step[] = [
  namespaces,
  plainPing,
  internetHost,
  router,
  controlPlaneUp,
  apiCalls,
  edgeUp,
  anycastRouting,
  outside,
  connect,
  tunnelPing,
  neighbourPing,
  isolation,
  refused,
  wireguard,
  tunnelTransfer,
  overlap,
  tunnelRequests,
  revocation,
  serviceLost,
  controlPlaneLost,
  controlPlaneBack,
  popLost,
  drained,
];

/** The same without root and namespaces: the steps that need them say so. */
export const LOOPBACK_STEPS: readonly Step[] = [addresses, ...LAB_STEPS];
