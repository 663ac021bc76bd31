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
  'Pop.latitude': 'degrees north, -90 to 90',
  'Pop.longitude': 'degrees east, -180 to 180',
  'Worker.drain': 'whether it takes no new sessions from the start',
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
    columns: ['id', 'display_name', 'latitude', 'longitude'],
    sample: 'moscow',
    create: '--display-name Moscow --latitude 55.75 --longitude 37.62',
    remarks: { delete: 'Refused while it still has workers.' },
  },
  worker: {
    plural: 'workers',
    columns: [
      'pop',
      'id',
      'drain',
      'status.health',
      'status.connected',
      'status.sessions',
      'status.revision',
      'status.version',
      'status.report_time',
    ],
    sample: 'moscow/w1',
    create: '--drain',
  },
  revision: {
    plural: 'revisions',
    columns: ['number', 'base', 'size', 'author', 'reason', 'create_time', 'expire_time'],
    sample: '12',
  },
};

export const wordingOf = (noun: string): Wording =>
  WORDING[noun] ?? { plural: `${noun}s`, columns: ['id'], sample: noun };
