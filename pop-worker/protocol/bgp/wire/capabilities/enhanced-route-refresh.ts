import { flagCapability } from './flag.ts';

/** RFC 7313 §3.1. */
export const enhancedRouteRefresh = flagCapability(70, 'enhanced-route-refresh', 'enhancedRouteRefresh');
