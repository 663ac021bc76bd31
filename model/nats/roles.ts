import { Bucket, EVENT_STREAM, EVENT_SUBJECTS, type Kind } from '../names.ts';

/** Who connects to NATS. */
export type NatsRole =
  /** The services: what they store, stores the installation. */
  | { readonly role: 'services' }
  /** The API at the edge, which faces strangers: no streams to manage, no keys, no identities to write. */
  | { readonly role: 'edge' }
  | { readonly role: 'worker'; readonly pop: string; readonly worker: string }
  /** Reads the events of one tenant. */
  | { readonly role: 'integrator'; readonly tenant: string };

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
  ...follow(Bucket.config, ['*.device.*', '*.network.*', `_system.worker.${pop}.${worker}`]),
  ...follow(Bucket.revocations, ['>']),
  ...follow(Bucket.desired, ['fleet']),
  `$JS.API.DIRECT.GET.KV_${Bucket.chunks}.$KV.${Bucket.chunks}.*`,
  `$KV.${Bucket.status}.worker.${pop}.${worker}`,
  `$KV.${Bucket.status}.presence.*.*.${pop}.${worker}`,
  'cb.events.*.device.connected.*',
  'cb.events.*.device.disconnected.*',
];

/** What the API changes in `cb_config`; keys and revisions are not among it. */
const API_KINDS: readonly Kind[] = [
  ...(['tenant', 'network', 'device', 'pop', 'worker', 'guard', 'lease'] as const),
  ...(['outbox', 'idempotency', 'installation'] as const),
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
  ...['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${EVENT_STREAM}.>`),
  `$JS.ACK.${EVENT_STREAM}.>`,
];

const integratorPublish = (tenant: string): string[] =>
  integratorConsumers(tenant).flatMap((name) => [
    `$JS.API.CONSUMER.CREATE.${EVENT_STREAM}.${name}.cb.events.${tenant}.>`,
    ...['INFO', 'DELETE', 'MSG.NEXT'].map((verb) => `$JS.API.CONSUMER.${verb}.${EVENT_STREAM}.${name}`),
    `$JS.ACK.${EVENT_STREAM}.${name}.>`,
  ]);

/** What is not listed is refused by the server. */
export const natsPermissions = (role: NatsRole): NatsPermissions => {
  const inbox = `${inboxPrefix(role)}.>`;
  if (role.role === 'services') {
    const publish = ['$JS.API.>', '$JS.ACK.>', '$JS.FC.>', '$KV.>', 'cb.>'];
    return { publish, subscribe: [inbox, '$KV.>', 'cb.>'], respond: false };
  }
  if (role.role === 'edge') return { publish: edgePublish(), subscribe: [inbox], respond: false };
  if (role.role === 'worker') {
    const subscribe = [inbox, `cb.cmd.${role.pop}.${role.worker}.>`];
    return { publish: workerPublish(role.pop, role.worker), subscribe, respond: true };
  }
  return { publish: integratorPublish(role.tenant), subscribe: [inbox, `cb.events.${role.tenant}.>`], respond: false };
};
