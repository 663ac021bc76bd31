import type { Step } from '../journey.ts';
import { anycastRouting } from './anycast-routing.ts';
import { internetHost, loopbackHost } from './internet-host.ts';
import { namespaces } from './namespaces.ts';
import { plainPing } from './plain-ping.ts';

/** The journey of `cloudbridge up`, in order. A new step is a file here and a row. */
export const LAB_STEPS: readonly Step[] = [namespaces, plainPing, internetHost, anycastRouting];

/** What can be shown without root and namespaces. */
export const LOOPBACK_STEPS: readonly Step[] = [loopbackHost];
