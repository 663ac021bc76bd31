import { flagCapability } from './flag.ts';

/** RFC 2918 §2. */
export const routeRefresh = flagCapability(2, 'route-refresh', 'routeRefresh');
