import { backend, service } from '../balanced.ts';

/** One backend each, so that what comes out is known. Ports are those that `udp` and `tcp` of the fixtures have. */
export const FIXTURE_SERVICES = [
  service('203.0.113.10', ['192.0.2.1']),
  service('203.0.113.10', ['192.0.2.2'], { protocol: 'tcp', port: 443 }),
  service('203.0.113.11', ['2001:db8:9::3']),
  service('2001:db8:1::1', ['2001:db8:9::4']),
  service('2001:db8:1::1', ['192.0.2.5'], { protocol: 'tcp', port: 443 }),
  service('203.0.113.12', [backend('192.0.2.6', { encapsulation: 'gue' })]),
  service('2001:db8:1::2', [backend('2001:db8:9::7', { encapsulation: 'gue' })]),
  service('2001:db8:1::4', [backend('192.0.2.17', { encapsulation: 'gue' })]),
  service('203.0.113.18', [backend('2001:db8:9::12', { encapsulation: 'gue' })]),
  service('203.0.113.13', [backend('192.0.2.8', { encapsulation: 'direct' })]),
  service('2001:db8:1::3', [backend('2001:db8:9::8', { encapsulation: 'direct' })]),
  service('203.0.113.14', ['192.0.2.9'], { port: 0, isBySource: true }),
  service('203.0.113.14', ['192.0.2.19'], { port: 53 }),
  service('2001:db8:1::5', ['2001:db8:9::9'], { port: 0, isBySource: true }),
  service('198.51.100.0/24', ['192.0.2.10'], { protocol: 'tcp', port: 443 }),
  service('198.51.100.128/25', ['192.0.2.11'], { protocol: 'tcp', port: 443 }),
  service('198.51.100.7', ['192.0.2.12'], { protocol: 'tcp', port: 443 }),
  service('2001:db8:5::/48', ['2001:db8:9::a'], { port: 0 }),
  service('203.0.113.15', []),
  service('203.0.113.16', ['192.0.2.16']),
  service('2001:db8:1::6', ['2001:db8:9::16']),
];
