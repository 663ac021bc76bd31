/** What a tenant, network, device, PoP or worker may be called: it appears in DNS names, NATS keys and URLs. */
const ID_PATTERN = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;
/** The same for people. */
export const ID_IN_WORDS = '1 to 40 lower-case letters, digits and hyphens, with a letter first and no hyphen last';

/** Whether a rule of `proto/` that speaks of a pattern speaks of this one. */
export const isIdRule = (text: string): boolean => text.includes(`\`${ID_PATTERN.source}\``);

export const isId = (text: string): boolean => ID_PATTERN.test(text);

/** Stands for "no tenant" in keys and subjects; no tenant can be called so. */
export const SYSTEM = '_system';

/** Names of the NATS buckets and streams that people and scripts use. */
export const Bucket = {
  config: 'cb_config',
  desired: 'cb_desired',
  chunks: 'cb_chunks',
  status: 'cb_status',
  revocations: 'cb_revocations',
  /** What the built-in identity provider keeps, sealed; and how often who asked for what is limited. */
  auth: 'cb_auth',
} as const;
export const EVENT_STREAM = 'CB_EVENTS';
export const EVENT_SUBJECTS = 'cb.events.>';
/** Where the server says again what it has stored of them: a message that came from another account goes to no third one. */
export const LIVE_EVENT_SUBJECTS = 'cb.live.>';

export type Kind =
  | 'tenant'
  | 'network'
  | 'device'
  | 'wireguard'
  | 'site'
  | 'pop'
  | 'worker'
  | 'prefix'
  | 'neighbor'
  | 'uplink'
  | 'route-policy'
  | 'zone'
  | 'place'
  | 'revision'
  | 'client'
  | 'guard'
  | 'outbox'
  | 'installation'
  | 'key'
  | 'token'
  | 'idempotency'
  | 'lease';

/** Key of a resource in `cb_config`: `<tenant>.<kind>.<id>`. @throws RangeError on a part that would change the key's shape */
export const configKey = (tenant: string, kind: Kind, id: string): string => {
  for (const part of [tenant, ...id.split('.')]) {
    if (part !== SYSTEM && !/^[A-Za-z0-9_-]{1,64}$/.test(part))
      throw new RangeError(`not a part of a key: ${JSON.stringify(part)}`);
  }
  return `${tenant}.${kind}.${id}`;
};

/** Keys of the resources in `cb_config`, so that services and workers name them alike. */
export const ConfigKey = {
  tenant: (tenant: string) => configKey(SYSTEM, 'tenant', tenant),
  network: (tenant: string, network: string) => configKey(tenant, 'network', network),
  device: (tenant: string, device: string) => configKey(tenant, 'device', device),
  /** What workers know of a device that comes by WireGuard. */
  wireguardPeer: (tenant: string, device: string) => configKey(tenant, 'wireguard', device),
  /** What was last told of a site. */
  site: (tenant: string, site: string) => configKey(tenant, 'site', site),
  wireguardEdge: configKey(SYSTEM, 'wireguard', 'edge'),
  pop: (pop: string) => configKey(SYSTEM, 'pop', pop),
  worker: (pop: string, worker: string) => configKey(SYSTEM, 'worker', `${pop}.${worker}`),
  prefix: (prefix: string) => configKey(SYSTEM, 'prefix', prefix),
  neighbor: (pop: string, neighbor: string) => configKey(SYSTEM, 'neighbor', `${pop}.${neighbor}`),
  uplink: (pop: string, uplink: string) => configKey(SYSTEM, 'uplink', `${pop}.${uplink}`),
  routePolicy: (policy: string) => configKey(SYSTEM, 'route-policy', policy),
  zone: (zone: string) => configKey(SYSTEM, 'zone', zone),
  place: (place: string) => configKey(SYSTEM, 'place', place),
  revision: (number: bigint) => configKey(SYSTEM, 'revision', String(number)),
} as const;

/** Keys in `cb_revocations`: a whole tenant, one device, one token by its `jti`. */
export const RevocationKey = {
  tenant: (tenant: string) => configKey(tenant, 'tenant', tenant),
  device: (tenant: string, device: string) => configKey(tenant, 'device', device),
  token: (tenant: string, tokenId: string) => configKey(tenant, 'token', tokenId),
} as const;

/** Keys in `cb_status`; each ends in who writes it, so that NATS can hold a worker to its own. */
export const StatusKey = {
  worker: (pop: string, worker: string) => `worker.${pop}.${worker}`,
  presence: (tenant: string, device: string, pop: string, worker: string) =>
    `presence.${tenant}.${device}.${pop}.${worker}`,
  /** How what lies behind a device is reached by it. */
  site: (tenant: string, device: string, pop: string, worker: string) => `site.${tenant}.${device}.${pop}.${worker}`,
} as const;

/** Key in `cb_desired` of the manifest that all workers run on. */
export const FLEET_MANIFEST = 'fleet';
