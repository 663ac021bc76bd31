import { create, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { firstFree, type Ipv4Range, inRange, ipv4ToNumber, numberToIpv4 } from '#model/addresses.ts';
import { configKey, SYSTEM } from '#model/names.ts';
import { LeaseSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';

/**
 * For so long nobody else gets a deleted device's id and addresses, or a deleted network's prefix: longer than any token
 * lives that names them (a day), so that an old token never means somebody new.
 */
export const HOLD_SECONDS = 25 * 3600;

interface Holder {
  readonly tenant: string;
  readonly network: string;
  readonly device?: string;
}

const lease = (key: string, { tenant, network, device = '' }: Holder, more: Partial<Change>): Change => ({
  key,
  value: toBinary(LeaseSchema, create(LeaseSchema, { tenant, network, device })),
  ...more,
});

const addressKey = (tenant: string, network: string, ipv4: number): string =>
  configKey(tenant, 'lease', `${network}.${ipv4}`);

/** Takes an address: fails when somebody has it or had it until a moment ago. */
export const takeAddress = (holder: Holder, ipv4: number, ifRevision: number): Change =>
  lease(addressKey(holder.tenant, holder.network, ipv4), holder, { ifRevision });

/** Gives an address back: it stays taken for the time stated above and then goes by itself. */
export const holdAddress = (holder: Holder, ipv4: number): Change =>
  lease(addressKey(holder.tenant, holder.network, ipv4), holder, { ttlSeconds: HOLD_SECONDS });

/**
 * Which address a new device gets.
 *
 * @param wanted by its creator, '' for any
 * @param attempt 0 takes the first free one; later ones, when others were faster, spread out
 */
export const chooseAddress = async (
  store: Store,
  holder: Holder,
  range: Ipv4Range,
  wanted: string,
  attempt: number,
): Promise<{ readonly ipv4: number; readonly change: Change }> => {
  const ipv4 = wanted === '' ? await findFree(store, holder, range, attempt) : checkWanted(wanted, range);
  const { value, revision } = await store.last(addressKey(holder.tenant, holder.network, ipv4));
  if (value !== undefined && wanted !== '') {
    const message = `address ${wanted} of network ${JSON.stringify(holder.network)} is taken, or was until a day ago`;
    throw apiError(Code.AlreadyExists, 'ADDRESS_TAKEN', message);
  }
  return { ipv4, change: takeAddress(holder, ipv4, value === undefined ? revision : 0) };
};

const checkWanted = (text: string, range: Ipv4Range): number => {
  const ipv4 = ipv4ToNumber(text);
  if (ipv4 !== undefined && inRange(range, ipv4)) return ipv4;
  const [first, last] = [numberToIpv4(range.first), numberToIpv4(range.last)];
  throw badRequest([{ field: 'device.ipv4_address', description: `must be an address from ${first} to ${last}` }]);
};

const findFree = async (
  store: Store,
  { tenant, network }: Holder,
  range: Ipv4Range,
  attempt: number,
): Promise<number> => {
  const prefix = `${tenant}.lease.${network}.`;
  const taken = new Set((await store.list(`${prefix}*`)).map(({ key }) => Number(key.slice(prefix.length))));
  const first = firstFree(range, taken);
  if (first === undefined) {
    const message = `network ${JSON.stringify(network)} has no free address: those of deleted devices come free after 25 hours`;
    throw apiError(Code.ResourceExhausted, 'ADDRESSES_EXHAUSTED', message);
  }
  if (attempt === 0) return first;
  const spread = Math.min(range.last - first + 1, 16 * 2 ** Math.min(attempt, 16));
  const random = crypto.getRandomValues(new Uint32Array(1))[0] as number;
  return firstFree({ first: first + (random % spread), last: range.last }, taken) ?? first;
};

const PREFIXES = 65_536;

/** A number for a new network's /64 that no network of the installation has. */
export const takePrefix = async (
  store: Store,
  holder: Holder,
): Promise<{ readonly index: number; readonly change: Change }> => {
  for (let tries = 0; tries < 100; tries++) {
    const index = (crypto.getRandomValues(new Uint16Array(1))[0] as number) % PREFIXES;
    const key = prefixKey(index);
    const { value, revision } = await store.last(key);
    if (value === undefined) return { index, change: lease(key, holder, { ifRevision: revision }) };
  }
  throw apiError(
    Code.ResourceExhausted,
    'PREFIXES_EXHAUSTED',
    'the installation has no free IPv6 prefix for another network',
  );
};

export const holdPrefix = (holder: Holder, index: number): Change =>
  lease(prefixKey(index), holder, { ttlSeconds: HOLD_SECONDS });

const prefixKey = (index: number): string => configKey(SYSTEM, 'lease', `network.${index}`);
