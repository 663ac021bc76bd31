import type { DeviceIdentity } from './issuer.ts';

/** Where the worker and the internet host are in a `World`. */
export const EDGE4 = '192.0.2.1';
export const EDGE6 = '2001:db8:a::1';
export const INTERNET4 = '203.0.113.10';
export const INTERNET6 = '2001:db8:f::10';
export const PORT = 443;
export const SERVER_NAME = 'edge.test';
export const TENANTS = [
  { id: 'red', prefixes: ['10.64.0.0/10', 'fd00:1::/48'] },
  { id: 'blue', prefixes: ['10.64.0.0/10', 'fd00:2::/48'] },
] as const;

/** @param n 2, 3, … */
export const deviceOf = (tenant: 'red' | 'blue', n: number): DeviceIdentity => ({
  tenant,
  device: `${tenant}${n}`,
  ipv4: `10.64.0.${n}`,
  ipv6: `fd00:${tenant === 'red' ? 1 : 2}::${n}`,
});
