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

/** Addresses of a network that lie behind a device, as behind a site's router. */
export interface SiteRange extends Ipv4Range {
  readonly device: string;
}

/**
 * Which address a new device gets.
 *
 * @param wanted by its creator, '' for any
 * @param attempt 0 takes the first free one; later ones, when others were faster, spread out
 * @param behind addresses that lie behind other devices
 */
export const chooseAddress = async (
  store: Store,
  holder: Holder,
  range: Ipv4Range,
  wanted: string,
  attempt: number,
  behind: readonly SiteRange[] = [],
): Promise<{ readonly ipv4: number; readonly change: Change }> => {
  const ipv4 = wanted === '' ? await findFree(store, holder, range, attempt, behind) : checkWanted(wanted, range);
  const site = behind.find((each) => inRange(each, ipv4));
  if (site !== undefined) {
    const message = `address ${wanted} of network ${JSON.stringify(holder.network)} lies behind device ${JSON.stringify(site.device)} (wireguard.networks)`;
    throw apiError(Code.AlreadyExists, 'ADDRESS_TAKEN', message);
  }
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
  behind: readonly SiteRange[],
): Promise<number> => {
  const prefix = `${tenant}.lease.${network}.`;
  const taken = new Set((await store.list(`${prefix}*`)).map(({ key }) => Number(key.slice(prefix.length))));
  const free = (from: number): number | undefined => {
    for (let at = from; ; ) {
      const found = firstFree({ first: at, last: range.last }, taken);
      const site = found === undefined ? undefined : behind.find((each) => inRange(each, found));
      if (site === undefined) return found;
      at = site.last + 1;
    }
  };
  const first = free(range.first);
  if (first === undefined) {
    const message = `network ${JSON.stringify(network)} has no free address: those of deleted devices come free after 25 hours`;
    throw apiError(Code.ResourceExhausted, 'ADDRESSES_EXHAUSTED', message);
  }
  if (attempt === 0) return first;
  const spread = Math.min(range.last - first + 1, 16 * 2 ** Math.min(attempt, 16));
  const random = crypto.getRandomValues(new Uint32Array(1))[0] as number;
  return free(first + (random % spread)) ?? first;
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

/** Peers of WireGuard have a number of 24 bits each, from 1 on. */
const LAST_PEER = 0xff_ffff;

/** A number that no peer of the installation has, or had until a day ago: workers find peers by it. */
export const takePeerNumber = async (
  store: Store,
  holder: Holder,
): Promise<{ readonly number: number; readonly change: Change }> => {
  for (let tries = 0; tries < 100; tries++) {
    const random = crypto.getRandomValues(new Uint32Array(1))[0] as number;
    const number = 1 + (random % LAST_PEER);
    const key = peerKey(number);
    const { value, revision } = await store.last(key);
    if (value === undefined) return { number, change: lease(key, holder, { ifRevision: revision }) };
  }
  throw apiError(Code.ResourceExhausted, 'PEERS_EXHAUSTED', 'the installation has no free number for another peer');
};

export const holdPeerNumber = (holder: Holder, number: number): Change =>
  lease(peerKey(number), holder, { ttlSeconds: HOLD_SECONDS });

const peerKey = (number: number): string => configKey(SYSTEM, 'lease', `peer.${number}`);

/** Who has a public key of WireGuard. @param publicKey in base64 */
export const wireguardKeyLease = (publicKey: string): string =>
  configKey(SYSTEM, 'lease', `wireguard.${publicKey.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')}`);

/**
 * Takes a public key.
 *
 * @throws AlreadyExists when another device has it: workers could not tell the two apart
 */
export const takeWireguardKey = async (store: Store, holder: Holder, publicKey: string): Promise<Change> => {
  const key = wireguardKeyLease(publicKey);
  const { value, revision } = await store.last(key);
  const change = lease(key, holder, { ifRevision: revision });
  if (value === undefined) return change;
  const { tenant, device } = store.read(LeaseSchema, { key, value, revision });
  if (tenant === holder.tenant && device === holder.device) return change;
  // Of other tenants nobody learns more.
  const whose = tenant === holder.tenant ? `device ${JSON.stringify(device)}` : 'another device of the installation';
  const message = `this public key is that of ${whose}: make a key pair for each device, and never copy one`;
  throw apiError(Code.AlreadyExists, 'WIREGUARD_KEY_TAKEN', message);
};

/** Gives a public key back: it may be taken at once. */
export const freeWireguardKey = (publicKey: string): Change => ({
  key: wireguardKeyLease(publicKey),
  value: undefined,
  ttlSeconds: FREED_SECONDS,
});

/** How long the memory of what was given back stays. */
const FREED_SECONDS = 60;
