import type { Step } from '../journey.ts';
import { anycastRouting } from './anycast-routing.ts';
import { apiCalls, controlPlaneBack, controlPlaneLost, controlPlaneUp, revocation } from './control-plane.ts';
import { internetHost, loopbackHost } from './internet-host.ts';
import { namespaces } from './namespaces.ts';
import { plainPing } from './plain-ping.ts';
import { popLost } from './pop-lost.ts';
import { connect, edgeUp, isolation, overlap, refused, tunnelPing, tunnelRequests, tunnelTransfer } from './tunnel.ts';

/** The journey of `cloudbridge up`, in order. A new step is a file here and a row. */
export const LAB_STEPS: readonly Step[] = [
  namespaces,
  plainPing,
  internetHost,
  anycastRouting,
  controlPlaneUp,
  apiCalls,
  edgeUp,
  connect,
  tunnelPing,
  isolation,
  refused,
  tunnelTransfer,
  overlap,
  tunnelRequests,
  revocation,
  controlPlaneLost,
  controlPlaneBack,
  popLost,
];

/** What can be shown without root and namespaces. */
export const LOOPBACK_STEPS: readonly Step[] = [loopbackHost];
