import type { DescField } from '@bufbuild/protobuf';

/** What a field that a caller sets means, by `<message>.<field>` or the field's name alone. */
const FIELDS: Readonly<Record<string, string>> = {
  display_name: 'name for people',
  etag: 'only if it still has this etag (meta.etag of what `get` shows)',
  reason: 'why, for those who look into it later',
  'Tenant.organisation':
    "organisation of the identity provider whose tenant-admins may manage it (default: operators' only)",
  'Network.ipv4_pool': "where its devices get their IPv4 addresses from, such as 10.64.0.0/24; tenants' may overlap",
  'Network.egress': 'whether its devices may reach the internet',
  'Device.network': 'the network that it is in',
  'Device.owner': "subject of the user or service account that may get this device's tokens",
  'Device.ipv4_address': "address in the network's pool, fixed at creation (default: a free one)",
  'Device.wireguard': 'it comes by WireGuard no more',
  'DeviceWireguard.public_key': 'its public key, as `wg pubkey` writes it; sessions of the one before end',
  'DeviceWireguard.preshared_key':
    'file with a preshared key, as `wg genpsk` writes it (`-`: stdin); an empty one takes it away',
  'DeviceWireguard.endpoint': 'where it is always reached, such as 203.0.113.9:51820 (default: it begins)',
  'DeviceWireguard.persistent_keepalive_seconds':
    'how often both ends send something at least, for NATs (default: never)',
  'DeviceWireguard.networks': "a prefix behind it, inside one of the tenant's networks; say it once for each",
  'DeviceWireguard.site': 'name of the site that its networks are, where another device has them too',
  'DeviceWireguard.metric': "of a site's devices that reach it the lowest gets what is for it, 0 to 255 (default: 0)",
  'DeviceWireguard.probe': 'an address in its networks that answers pings while the site is reached by it',
  'WireguardEdge.public_key': 'the public key of all workers, as `wg pubkey` writes it',
  'WireguardEdge.endpoints':
    'where clients come to, such as 192.0.2.1:51820; say it once for each, the one that they are told first',
  'WireguardEdge.endpoint_ranges':
    'a private range where workers may begin to reach devices, such as 10.20.0.0/16; say it once for each',
  'WireguardEdge.previous_public_key':
    'the one before, which workers take too; an empty one ends that (default: what --public-key was)',
  'WireguardEdge.dns': 'a resolver that clients are told of; say it once for each',
  'Pop.latitude': 'degrees north, -90 to 90',
  'Pop.longitude': 'degrees east, -180 to 180',
  'Pop.addresses': 'a unicast address that names lead to, beside the anycast ones; say it once for each',
  'Worker.drain': 'whether it takes no new sessions from the start',
  'Worker.mesh_address': 'where other workers reach it, by the mesh (default: it is no member)',
  'Worker.mesh_port': 'UDP port of the mesh there (default: 4443)',
  'Worker.mesh_pin': 'SHA-256 of its key of the mesh, in hexadecimal, as `installation add-worker` shows it',
  'AnycastPrefix.prefix': 'what is announced, such as 192.0.2.0/24 or 2001:db8:a::/48',
  'AnycastPrefix.pops': 'a PoP that announces it; say it once for each (default: all of them)',
  communities: 'a community that it is announced with, such as 64500:100 or 64500:1:2; say it once for each',
  'BgpNeighbor.workers': 'a worker that has a session with it; say it once for each (default: all of the PoP)',
  'BgpNeighbor.address': 'IPv4 or IPv6; a link-local one with its interface, such as fe80::1%eth0',
  'BgpNeighbor.remote_asn': 'its AS number',
  'BgpNeighbor.local_asn': 'our AS number in this session (default: 64512)',
  'BgpNeighbor.role': 'what it is to us (RFC 9234); a change ends the session for a new one',
  'BgpNeighbor.hold_seconds':
    'silence after which the session has ended (default: 9); a change ends the session for a new one',
  'BgpNeighbor.hops': 'routers in between (default: none, and nothing from further away is heard)',
  'BgpNeighbor.bfd_interval_ms': 'milliseconds between BFD packets, 10 to 60000 (default: no BFD)',
  'BgpNeighbor.bfd_multiplier': 'so many missing BFD packets are the end (default: 3)',
  'BgpNeighbor.password_name': "the name under which the worker's own file has the TCP MD5 password",
  'BgpNeighbor.prepend': 'how often our AS number is put in front once more',
  'BgpNeighbor.med': 'MULTI_EXIT_DISC of what is announced while fully preferred',
  'BgpNeighbor.max_prefixes': 'routes of a family that it may announce (default: 1000)',
  'BgpNeighbor.import_policy': 'the policy that says which of its routes are taken (default: none are)',
  'BgpNeighbor.export_policy':
    'the policy that says which anycast prefixes it is told, and how (default: all, as they are)',
  'BgpNeighbor.link_local_next_hop':
    'it is told our link-local address alone as the next hop: for one without an address in our subnet',
  'BgpNeighbor.disabled': 'whether the session is kept down',
  'Uplink.device': 'interface of the workers',
  'Uplink.probe_addresses':
    'an address behind it that answers pings; say it once for each (default: carrier is enough)',
  'Uplink.weight': 'share of the new flows, beside the other uplinks, by routes over uplinks (default: 1)',
  'Uplink.gateways': 'a router on the link that such routes lead to, one of IPv4 and one of IPv6; say it once for each',
  'DnsZone.domain': 'such as edge.example',
  'DnsZone.mailbox': 'whom to write to, with a dot for the @ (default: hostmaster in the domain)',
  'DnsZone.name_servers': 'a server of the zone, the primary first; say it once for each',
  'DnsZone.services': 'a name that is answered with the nearest PoP; say it once for each',
  'DnsZone.records': "a name with addresses of its own, such as 'ns1.edge.example A 192.0.2.53'; say it once for each",
  'DnsZone.ttl_seconds': 'how long resolvers keep an answer (default: 30)',
  'DnsPlace.prefixes': 'a network of clients, such as 203.0.113.0/24; say it once for each',
  'DnsPlace.pops': 'a PoP that they are near to, the nearest first; say it once for each (default: by the coordinates)',
  'DnsPlace.latitude': 'degrees north, -90 to 90',
  'DnsPlace.longitude': 'degrees east, -180 to 180',
  lifetime_seconds: 'how long the token is good for (default and maximum: as the token service says)',
};

export const fieldHelp = (field: DescField): string =>
  FIELDS[`${field.parent.name}.${field.name}`] ?? FIELDS[field.name] ?? field.name.replaceAll('_', ' ');

/** How a noun is shown and spoken of. */
export interface Wording {
  readonly plural: string;
  /** Columns of `list`: paths of fields. */
  readonly columns: readonly string[];
  /** A path as examples have it. */
  readonly sample: string;
  /** Flags of an example of `create`, and of `update`. */
  readonly create?: string;
  readonly update?: string;
  readonly remarks?: Readonly<Record<string, string>>;
}

export const WORDING: Readonly<Record<string, Wording>> = {
  tenant: {
    plural: 'tenants',
    columns: ['id', 'display_name', 'organisation'],
    sample: 'acme',
    create: '--display-name "Acme Ltd"',
    update: '--display-name "Acme Limited"',
    remarks: {
      delete: 'Refused while it still has networks or devices. Its id is never free again.',
    },
  },
  network: {
    plural: 'networks',
    columns: ['tenant', 'id', 'display_name', 'ipv4_pool', 'ipv6_prefix', 'egress'],
    sample: 'acme/office',
    create: '--ipv4-pool 10.64.0.0/24 --egress',
    update: '--no-egress',
    remarks: { delete: 'Refused while devices are in it.' },
  },
  device: {
    plural: 'devices',
    columns: ['tenant', 'id', 'display_name', 'network', 'ipv4_address', 'ipv6_address', 'state', 'owner'],
    sample: 'acme/laptop',
    create: '--network office --owner 290000000000000001',
    update: '--display-name "The laptop"',
    remarks: {
      delete: 'For 25 hours after that nobody else gets its id or its address.',
      revoke: 'Its packets stop everywhere within a second. There is no way back: create a new device.',
    },
  },
  'wireguard edge': {
    plural: 'what WireGuard clients are told of the edge',
    columns: [],
    sample: '',
    update: '--public-key "$(wg pubkey < edge.key)" --endpoints 192.0.2.1:51820',
    remarks: {
      update:
        'Another key asks for another configuration of every device, and for preshared keys to be set again: they are sealed to it. Meanwhile workers that have both keys take either; `wireguard rotation` says who still needs the one before.',
    },
  },
  site: {
    plural: 'sites',
    columns: ['tenant', 'id', 'state', 'device', 'pop', 'worker', 'networks', 'tunnels'],
    sample: 'acme/berlin',
    remarks: {
      get: 'Which of its devices reaches it at which PoP, since when, and by which it goes. `device get` shows a device that is none of several.',
    },
  },
  token: {
    plural: 'tokens',
    columns: [],
    sample: 'acme/0198a7c5-7f3e',
    remarks: {
      revoke: 'One token by its id (`jti`), which `device token -o json` shows; `device revoke` ends them all.',
    },
  },
  pop: {
    plural: 'PoPs',
    columns: ['id', 'display_name', 'latitude', 'longitude', 'addresses', 'drain'],
    sample: 'moscow',
    create: '--display-name Moscow --latitude 55.75 --longitude 37.62',
    update: '--addresses 198.51.100.1 --addresses 2001:db8:b::1',
    remarks: { delete: 'Refused while it still has workers.' },
  },
  worker: {
    plural: 'workers',
    columns: [
      'pop',
      'id',
      'drain',
      'pop_drain',
      'member',
      'mesh_address',
      'status.health',
      'status.connected',
      'status.sessions',
      'status.revision',
      'status.version',
      'status.report_time',
    ],
    sample: 'moscow/w1',
    create: '--drain',
    update: '--mesh-address 203.0.113.7',
  },
  prefix: {
    plural: 'anycast prefixes',
    columns: ['id', 'display_name', 'prefix', 'pops', 'communities'],
    sample: 'service4',
    create: '--prefix 192.0.2.0/24',
    update: '--pops moscow --pops frankfurt',
    remarks: { delete: 'Workers withdraw it when they have the next revision.' },
  },
  'bgp neighbor': {
    plural: 'BGP neighbours',
    columns: [
      ...['pop', 'id', 'address', 'remote_asn', 'role', 'bfd_interval_ms', 'prepend', 'import_policy', 'export_policy'],
      'disabled',
    ],
    sample: 'moscow/transit1',
    create: '--address 198.51.100.1 --remote-asn 64500 --role provider --bfd-interval-ms 50',
    update: '--prepend 2',
    remarks: {
      update: [
        'Another role, AS number, address, hold time, number of hops, password or kind of next hop ends its session, and a new',
        'one begins; all else, BFD too, changes while the session goes on.',
      ].join('\n'),
    },
  },
  'bgp policy': {
    plural: 'route policies',
    columns: ['id', 'display_name', 'rules', 'meta.update_time'],
    sample: 'to-transit',
    update: '--display-name "To our transits"',
    remarks: {
      create: 'Its rules come from a file, in the form that `get -o yaml` shows.',
      update: 'Workers judge routes anew when they have the next revision; sessions stay.',
      delete: 'Refused while a neighbour has it or another policy calls it.',
    },
  },
  uplink: {
    plural: 'uplinks',
    columns: ['pop', 'id', 'display_name', 'device', 'probe_addresses', 'gateways', 'weight'],
    sample: 'moscow/transit1',
    create: '--device eth0 --probe-addresses 198.51.100.1',
    update: '--weight 2',
  },
  'dns zone': {
    plural: 'DNS zones',
    columns: ['id', 'domain', 'name_servers', 'services', 'ttl_seconds'],
    sample: 'edge',
    create:
      "--domain edge.example --name-servers ns1.edge.example --records 'ns1.edge.example A 192.0.2.53' --services www.edge.example",
    update: '--ttl-seconds 60',
    remarks: { delete: 'Workers answer nothing of it when they have the next revision.' },
  },
  'dns place': {
    plural: 'places of DNS clients',
    columns: ['id', 'display_name', 'prefixes', 'pops', 'latitude', 'longitude'],
    sample: 'urals',
    create: '--prefixes 203.0.113.0/24 --pops moscow --pops frankfurt',
    update: '--pops frankfurt',
  },
  revision: {
    plural: 'revisions',
    columns: ['number', 'base', 'size', 'author', 'reason', 'create_time', 'expire_time'],
    sample: '12',
  },
};

export const wordingOf = (noun: string): Wording =>
  WORDING[noun] ?? { plural: `${noun}s`, columns: ['id'], sample: noun };
