import type { Rule } from '../rule.ts';
import { anycast, drain } from './anycast.ts';
import { blackhole } from './blackhole.ts';
import { bogons, prefixLengths } from './bogons.ts';
import { noLeaks, rpki } from './leaks.ts';

/** Rule sets that need not be written, by the name that rules call them by. */
export const BUILT_IN: Readonly<Record<string, readonly Rule[]>> = {
  anycast,
  blackhole,
  bogons,
  drain,
  'no-leaks': noLeaks,
  'prefix-lengths': prefixLengths,
  rpki,
};
