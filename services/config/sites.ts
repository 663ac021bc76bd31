import { Code } from '@connectrpc/connect';
import {
  addressRange,
  contains,
  type IpRange,
  overlaps,
  parsePrefixRange,
  prefixRange,
  prefixText,
} from '#model/ip-range.ts';
import { type Device, DeviceSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { type Network, NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { addChild, afterLook, GuardKey } from './guard.ts';
import type { SiteRange } from './leases.ts';

/** A prefix behind a device. */
interface Site {
  readonly device: string;
  /** Of which it is one of perhaps several devices; empty: of none. */
  readonly site: string;
  readonly prefix: string;
  readonly range: IpRange;
}

/** What to do where two devices have one network on purpose. */
const SAME_SITE = ': devices of one site say so (wireguard.site)';

/** What lies behind the devices of a tenant. */
export const sitesOf = async (config: Store, tenant: string): Promise<Site[]> =>
  (await config.list(`${tenant}.wireguard.*`)).flatMap((record) => {
    const peer = config.tryRead(WireguardPeerSchema, record);
    const { device = '', site = '', networks = [] } = peer ?? {};
    return networks.map((prefix) => ({ device, site, prefix, range: prefixRange(prefix) }));
  });

const rangesOf = ({ ipv4Pool, ipv6Prefix }: Pick<Network, 'ipv4Pool' | 'ipv6Prefix'>): IpRange[] =>
  [ipv4Pool, ipv6Prefix].map(prefixRange);

/**
 * Addresses that no new device of a network may have, since they lie behind others.
 *
 * @returns `change` is to be committed with the new device: nobody gave a device another network meanwhile
 */
export const besideSites = async (
  config: Store,
  tenant: string,
  network: Network,
  id: string,
): Promise<{ readonly behind: SiteRange[]; readonly change: Change }> => {
  const key = GuardKey.sites(tenant);
  const { revision } = await config.last(key);
  // Where none ever was there is nothing to look for.
  const sites = revision === 0 ? [] : await sitesOf(config, tenant);
  const [pool, prefix] = rangesOf(network) as [IpRange, IpRange];
  const behind = sites.flatMap(({ device, range }) => {
    if (overlaps(range, pool)) return [{ device, first: Number(range.first), last: Number(range.last) }];
    if (!overlaps(range, prefix)) return [];
    // A device's IPv6 address is the prefix and behind it the IPv4 address (`deviceIpv6`).
    const [first, last] = [range.first - prefix.first, range.last - prefix.first].map(Number);
    return [{ device, first: Math.max(0, first as number), last: last as number }];
  });
  return { behind, change: addChild(GuardKey.besideSites(tenant), { key, revision }, id) };
};

/**
 * The networks behind a device, checked: each inside one of the tenant's networks, beside what lies behind other devices, but
 * for those of the same site, and beside their addresses.
 *
 * @param name of its site; empty: it is of none
 * @returns the networks in their one form, and what is to be committed with them: what was looked at is as it was
 * @throws InvalidArgument, AlreadyExists
 */
export const checkSite = async (
  config: Store,
  device: Pick<Device, 'tenant' | 'id'>,
  wanted: readonly string[],
  name = '',
): Promise<{ readonly networks: string[]; readonly changes: Change[] }> => {
  const { tenant, id } = device;
  const ranges = readSite(wanted);
  const isOurs = ({ range: own }: { range: IpRange }) => ranges.some((range) => overlaps(range, own));
  const touched = async (): Promise<Network[]> => {
    const records = await config.list(`${tenant}.network.*`);
    const networks = records.flatMap((record) => config.tryRead(NetworkSchema, record) ?? []);
    return networks.filter((network) => rangesOf(network).some((range) => isOurs({ range })));
  };
  const look = async (): Promise<void> => {
    refuseOutside(ranges, await touched());
    const other = (await sitesOf(config, tenant)).find(
      (each) => each.device !== id && (name === '' || each.site !== name) && isOurs(each),
    );
    if (other !== undefined) {
      const message = `${other.prefix} lies behind device ${JSON.stringify(other.device)} already${SAME_SITE}`;
      throw apiError(Code.AlreadyExists, 'SITE_NETWORK_TAKEN', message);
    }
    for (const record of await config.list(`${tenant}.device.*`)) {
      const found = config.tryRead(DeviceSchema, record);
      if (found === undefined || found.id === id) continue;
      const own = [found.ipv4Address, found.ipv6Address].find((text) => {
        const range = addressRange(text);
        return range !== undefined && isOurs({ range });
      });
      if (own === undefined) continue;
      const message = `${own} in it is the address of device ${JSON.stringify(found.id)}: take a network without devices`;
      throw apiError(Code.AlreadyExists, 'SITE_NETWORK_TAKEN', message);
    }
  };
  // Who makes a device in one of these networks, or ends one, changes its guard.
  const guards = [GuardKey.sites(tenant), ...(await touched()).map((network) => GuardKey.network(tenant, network.id))];
  const changes: Change[] = [];
  for (const [i, guard] of guards.entries())
    changes.push(await afterLook(config, guard, id, async () => (i === guards.length - 1 ? look() : undefined)));
  return { networks: ranges.map(prefixText), changes };
};

/** @throws FailedPrecondition when something of the network lies behind a device */
export const refuseBehind = async (config: Store, tenant: string, network: Network): Promise<void> => {
  const found = (await sitesOf(config, tenant)).find(({ range }) =>
    rangesOf(network).some((outer) => contains(outer, range)),
  );
  if (found === undefined) return;
  const message = `${found.prefix} of network ${JSON.stringify(network.id)} lies behind device ${JSON.stringify(found.device)}: take it from its wireguard.networks first`;
  throw apiError(Code.FailedPrecondition, 'NETWORK_NOT_EMPTY', message);
};

const fieldOf = (i: number): string => `device.wireguard.networks[${i}]`;

/** @throws InvalidArgument */
const readSite = (wanted: readonly string[]): IpRange[] => {
  const read = wanted.map(parsePrefixRange);
  const wrong = read.flatMap((range, i) =>
    typeof range === 'string' ? [{ field: fieldOf(i), description: range }] : [],
  );
  const ranges = read.filter((range) => typeof range !== 'string');
  for (const [i, range] of wrong.length > 0 ? [] : ranges.entries()) {
    const other = ranges.findIndex((each, k) => k < i && overlaps(each, range));
    if (other >= 0) wrong.push({ field: fieldOf(i), description: `overlaps ${prefixText(ranges[other] as IpRange)}` });
  }
  if (wrong.length > 0) throw badRequest(wrong);
  return ranges;
};

/** What lies in no network of the tenant no worker would take for the tenant's. @throws InvalidArgument */
const refuseOutside = (ranges: readonly IpRange[], networks: readonly Network[]): void => {
  const wrong = ranges.flatMap((range, i) => {
    const isInside = networks.some((network) => rangesOf(network).some((outer) => contains(outer, range)));
    const description = `${prefixText(range)} is inside none of the tenant's networks: make one for it first`;
    return isInside ? [] : [{ field: fieldOf(i), description }];
  });
  if (wrong.length > 0) throw badRequest(wrong);
};
