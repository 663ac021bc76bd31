import { compileZone, type ZoneDescription } from '../zone.ts';

export const DESCRIPTION: ZoneDescription = {
  apex: 'edge.example',
  mailbox: 'hostmaster.edge.example',
  serial: 2026112801,
  servers: { 'ns1.edge.example': ['192.0.2.53', '2001:db8::53'], 'ns.elsewhere.example': [] },
  services: ['www.edge.example', 'a.b.edge.example', 'edge.example'],
  pops: {
    moscow: ['198.51.100.1', '2001:db8:a::1'],
    frankfurt: ['198.51.100.2', '198.51.100.22', '2001:db8:b::1'],
    tokyo: ['198.51.100.3'],
  },
  places: {
    '203.0.112.0/20': ['frankfurt', 'moscow'],
    '203.0.113.0/24': ['tokyo'],
    '203.0.113.128/25': ['moscow'],
    '2001:db8:1::/48': ['frankfurt'],
  },
  ttlSeconds: 20,
};

export const ZONE = compileZone(DESCRIPTION);
