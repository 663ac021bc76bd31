import { Code, ConnectError } from '@connectrpc/connect';
import { ConfigKey, RevocationKey } from '#model/names.ts';
import { type Device, DeviceSchema, DeviceState } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { TenantSchema } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { apiError, reasonOf } from '#services/api/errors.ts';
import { type Caller, Role } from '#services/authn/caller.ts';
import type { RateLimit } from '#services/store/rate-limit.ts';
import type { Store } from '#services/store/store.ts';
import type { TOKEN_REFUSALS } from '#telemetry/metrics/services.ts';
import type { IssuedToken, PopSigner } from './pop-signer.ts';

export interface Issuing {
  readonly config: Store;
  readonly revocations: Store;
  readonly signer: PopSigner;
  readonly limit: RateLimit;
  readonly counts: {
    readonly issued: () => void;
    readonly refused: Readonly<Record<TokenRefusal, () => void>>;
    readonly revoked: () => void;
  };
}

type TokenRefusal = (typeof TOKEN_REFUSALS)[number];

/** Of the reasons that callers are told. */
const REFUSALS: ReadonlyMap<string | undefined, TokenRefusal> = new Map([
  ['RATE_LIMITED', 'rate_limited'],
  ['DEVICE_NOT_FOUND', 'not_found'],
  ['DEVICE_REVOKED', 'revoked'],
]);

export const DEFAULT_LIFETIME_SECONDS = 3600;
/** As long as a revocation of a token is kept. */
export const MAX_LIFETIME_SECONDS = 24 * 3600;

const deviceNotFound = (device: string) =>
  apiError(Code.NotFound, 'DEVICE_NOT_FOUND', `device ${JSON.stringify(device)} does not exist, or is not yours`);

/** The organisation that a tenant belongs to; undefined also for what can be no tenant. */
export const organisationOf = async (config: Store, tenant: string): Promise<string | undefined> => {
  const record = await config.get(keyOr(() => ConfigKey.tenant(tenant), tenant));
  return record === undefined ? undefined : config.read(TenantSchema, record).organisation || undefined;
};

/** Ids in requests may be any text; what can be no key does not exist. */
export const keyOr = (make: () => string, id: string): string => {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw deviceNotFound(id);
    throw error;
  }
};

/**
 * Issues a token for a device to its owner, or to who manages it.
 *
 * @param lifetimeSeconds 0 for the default; more than the most is cut down
 */
export const issueToken = async (
  issuing: Issuing,
  caller: Caller,
  tenant: string,
  id: string,
  lifetimeSeconds: number,
): Promise<IssuedToken> => {
  const { issued, refused } = issuing.counts;
  try {
    const token = await issue(issuing, caller, tenant, id, lifetimeSeconds);
    issued();
    return token;
  } catch (error) {
    const reason = error instanceof ConnectError ? REFUSALS.get(reasonOf(error)) : undefined;
    if (reason !== undefined) refused[reason]();
    throw error;
  }
};

const issue = async (
  { config, revocations, signer, limit }: Issuing,
  caller: Caller,
  tenant: string,
  id: string,
  lifetimeSeconds: number,
): Promise<IssuedToken> => {
  const taken = await limit.take(caller.subject);
  if (!taken.allowed) {
    const message = `too many tokens in a short time: try again in ${taken.retryAfterSeconds} s`;
    const headers = { 'retry-after': String(taken.retryAfterSeconds) };
    throw apiError(Code.ResourceExhausted, 'RATE_LIMITED', message, { headers });
  }
  const record = await config.get(keyOr(() => ConfigKey.device(tenant, id), id));
  if (record === undefined) throw deviceNotFound(id);
  const device = config.read(DeviceSchema, record);
  if (!(await mayIssue(config, caller, device))) throw deviceNotFound(id);
  // Revocations last, so that one which was made before this call began is seen.
  const network = await config.get(ConfigKey.network(tenant, device.network));
  const [ofTenant, ofDevice] = await Promise.all([
    revocations.get(RevocationKey.tenant(tenant)),
    revocations.get(RevocationKey.device(tenant, id)),
  ]);
  if (
    device.state !== DeviceState.ACTIVE ||
    ofTenant !== undefined ||
    ofDevice !== undefined ||
    network === undefined
  ) {
    const message = `device ${JSON.stringify(id)} was revoked: it gets no tokens any more`;
    throw apiError(Code.FailedPrecondition, 'DEVICE_REVOKED', message);
  }
  const { egress } = config.read(NetworkSchema, network);
  const lifetime = Math.min(lifetimeSeconds === 0 ? DEFAULT_LIFETIME_SECONDS : lifetimeSeconds, MAX_LIFETIME_SECONDS);
  const { ipv4Address: ipv4, ipv6Address: ipv6 } = device;
  return signer.sign({ tenant, device: id, ipv4, ipv6, egress }, lifetime);
};

const mayIssue = async (config: Store, caller: Caller, device: Device): Promise<boolean> => {
  if (device.owner !== '' && device.owner === caller.subject) return true;
  if (caller.roles.has(Role.operator)) return true;
  if (!caller.roles.has(Role.tenantAdmin) || !caller.organisation) return false;
  return (await organisationOf(config, device.tenant)) === caller.organisation;
};
