import type { CapabilityRow } from './definition.ts';

/** A capability that says all by being there: its value is empty. */
export const flagCapability = (
  code: number,
  name: string,
  key: 'enhancedRouteRefresh' | 'extendedMessages' | 'routeRefresh',
): CapabilityRow => ({
  code,
  name,
  read: (value, draft) => {
    draft[key] = true;
    return value.length === 0;
  },
  write: (capabilities) => (capabilities[key] ? [[]] : []),
});
