import { Bucket, EVENT_STREAM, EVENT_SUBJECTS, type Kind, LIVE_EVENT_SUBJECTS } from '../names.ts';

/** Who connects to NATS. */
export type NatsRole =
  /** The services: what they store, stores the installation. */
  | { readonly role: 'services' }
  /** The API at the edge, which faces strangers: no streams to manage, no keys, no identities to write. */
  | { readonly role: 'edge' }
  | { readonly role: 'worker'; readonly pop: string; readonly worker: string }
  /** Reads the events of one tenant. */
  | { readonly role: 'integrator'; readonly tenant: string };

/** A role that lives in a NATS account of its own. */
export type OutsideRole = Exclude<NatsRole, { readonly role: 'services' }>;

export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer requests that it received. */
  readonly respond: boolean;
}

/** Replies come under a name that only this role may listen to. */
export const inboxPrefix = (role: NatsRole): string => {
  if (role.role === 'services' || role.role === 'edge') return `_INBOX_${role.role}`;
  return role.role === 'worker' ? `_INBOX_${role.pop}_${role.worker}` : `_INBOX_tenant_${role.tenant}`;
};

/** An integration reads through a consumer of one of these names; no other tenant may. `_` is in no tenant's id. */
export const integratorConsumers = (tenant: string): string[] =>
  Array.from({ length: 8 }, (_, i) => `${tenant}_${i + 1}`);

/** Following records: the filter is part of the request's subject, so it can be held to. */
const follow = (bucket: string, filters: readonly string[]): string[] => [
  ...filters.map((filter) => `$JS.API.CONSUMER.CREATE.KV_${bucket}.*.$KV.${bucket}.${filter}`),
  ...['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.KV_${bucket}.*`),
  // The client library asks whether the stream is there.
  `$JS.API.STREAM.INFO.KV_${bucket}`,
];

const workerPublish = (pop: string, worker: string): string[] => [
  ...follow(Bucket.config, ['*.device.*', '*.network.*', '*.wireguard.*', `_system.worker.${pop}.${worker}`]),
  ...follow(Bucket.revocations, ['>']),
  ...follow(Bucket.desired, ['fleet']),
  // What other workers say of themselves, for names to lead to those that serve.
  ...follow(Bucket.status, ['worker.*.*']),
  `$JS.API.DIRECT.GET.KV_${Bucket.chunks}.$KV.${Bucket.chunks}.*`,
  `$KV.${Bucket.status}.worker.${pop}.${worker}`,
  `$KV.${Bucket.status}.presence.*.*.${pop}.${worker}`,
  `$KV.${Bucket.status}.site.*.*.${pop}.${worker}`,
  'cb.events.*.device.connected.*',
  'cb.events.*.device.disconnected.*',
];

/** What the API changes in `cb_config`; keys and revisions are not among it. */
const API_KINDS: readonly Kind[] = [
  ...(['tenant', 'network', 'device', 'pop', 'worker', 'prefix', 'neighbor', 'uplink', 'guard', 'lease'] as const),
  ...(['wireguard', 'route-policy', 'zone', 'place', 'outbox', 'idempotency', 'installation'] as const),
];

/** The API's part of what services do: reads records, commits changes, sends and reads events. */
const edgePublish = (): string[] => [
  // Of one record, and of many: the filter is in the request's body, so a bucket is read whole or not at all.
  ...[Bucket.config, Bucket.revocations, Bucket.status].flatMap((bucket) => [
    `$JS.API.STREAM.MSG.GET.KV_${bucket}`,
    `$JS.API.DIRECT.GET.KV_${bucket}`,
  ]),
  ...API_KINDS.map((kind) => `$KV.${Bucket.config}.*.${kind}.>`),
  `$KV.${Bucket.revocations}.>`,
  EVENT_SUBJECTS,
  `$JS.API.STREAM.INFO.${EVENT_STREAM}`,
  // The client names no consumer that it creates in order.
  `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}`,
  `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.>`,
  // No broader than what is shared: an import that is gets nothing, without a word.
  ...['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${EVENT_STREAM}.*`),
];

/** No `$JS.ACK`: whoever reads remembers the position, so that nobody else's acknowledgement can move it. */
const integratorPublish = (tenant: string): string[] =>
  integratorConsumers(tenant).flatMap((name) => [
    `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.${name}.cb.events.${tenant}.>`,
    ...['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${EVENT_STREAM}.${name}`),
  ]);

/**
 * Making the streams, reading and writing them; never deleting or purging one. By wildcards, since a JWT has to fit into the
 * server's control line (4 KiB), and all that is in the account is the services' own.
 */
const servicesPublish = (): string[] => [
  '$JS.API.INFO',
  ...['CREATE', 'UPDATE', 'INFO', 'MSG.GET'].map((verb) => `$JS.API.STREAM.${verb}.*`),
  '$JS.API.DIRECT.GET.>',
  '$JS.API.CONSUMER.CREATE.>',
  ...['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.*.*`),
  ...Object.values(Bucket).map((bucket) => `$KV.${bucket}.>`),
  EVENT_SUBJECTS,
  'cb.cmd.>',
];

/** What is not listed is refused by the server. */
export const natsPermissions = (role: NatsRole): NatsPermissions => {
  const inbox = `${inboxPrefix(role)}.>`;
  if (role.role === 'services') {
    return { publish: servicesPublish(), subscribe: [inbox, `$KV.${Bucket.config}.>`], respond: false };
  }
  if (role.role === 'edge') return { publish: edgePublish(), subscribe: [inbox], respond: false };
  if (role.role === 'worker') {
    return { publish: workerPublish(role.pop, role.worker), subscribe: [inbox, commandsOf(role)], respond: true };
  }
  return { publish: integratorPublish(role.tenant), subscribe: [inbox, eventsOf(role)], respond: false };
};

type WorkerRole = Extract<NatsRole, { readonly role: 'worker' }>;
type IntegratorRole = Extract<NatsRole, { readonly role: 'integrator' }>;

const commandsOf = ({ pop, worker }: WorkerRole): string => `cb.cmd.${pop}.${worker}.>`;
const eventsOf = ({ tenant }: IntegratorRole): string => `cb.events.${tenant}.>`;

/** A subject that one account lets another use. */
export interface Shared {
  readonly type: 'service' | 'stream';
  readonly subject: string;
  /** What it is called where it is used; absent: the same. */
  readonly localSubject?: string;
}

/** An account that takes this does without the server's own JetStream API, which would say that the account has none. */
const JETSTREAM_INFO = '$JS.API.INFO';

const service = (subject: string): Shared => ({ type: 'service', subject });

/**
 * What the services' account lets the others use. Each of those takes no more of it than its role may publish: the
 * operator's signature is on its account's JWT.
 */
export const SHARED_BY_SERVICES: readonly (Shared & { readonly manyAnswers?: true })[] = [
  service(JETSTREAM_INFO),
  service('$JS.API.STREAM.INFO.*'),
  service('$JS.API.STREAM.MSG.GET.*'),
  service('$JS.API.CONSUMER.CREATE.>'),
  service('$JS.API.CONSUMER.INFO.*.*'),
  service('$JS.API.CONSUMER.DELETE.*.*'),
  { ...service('$JS.API.CONSUMER.MSG.NEXT.*.*'), manyAnswers: true },
  { ...service('$JS.API.DIRECT.GET.>'), manyAnswers: true },
  ...[Bucket.status, Bucket.config, Bucket.revocations].map((bucket) => service(`$KV.${bucket}.>`)),
  service(EVENT_SUBJECTS),
  { type: 'stream', subject: LIVE_EVENT_SUBJECTS },
];

/** What an outside role's account takes from the services' account. */
export const takenBy = (role: OutsideRole): Shared[] => [
  ...[JETSTREAM_INFO, ...natsPermissions(role).publish].map(service),
  ...(role.role === 'integrator'
    ? [{ type: 'stream', subject: `cb.live.${role.tenant}.>`, localSubject: eventsOf(role) } as const]
    : []),
];

/** What an outside role's account lets the services' account use. */
export const sharedBy = (role: OutsideRole): Shared[] => (role.role === 'worker' ? [service(commandsOf(role))] : []);
