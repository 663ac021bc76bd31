/** What a tenant, network, device, PoP or worker may be called: it appears in DNS names, NATS keys and URLs. */
export const ID_PATTERN = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;

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
} as const;
export const EVENT_STREAM = 'CB_EVENTS';
export const EVENT_SUBJECTS = 'cb.events.>';

export type Kind =
  | 'tenant'
  | 'network'
  | 'device'
  | 'pop'
  | 'worker'
  | 'revision'
  | 'client'
  | 'key'
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
