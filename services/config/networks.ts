import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { networkPrefix, parsePool } from '#model/addresses.ts';
import { ConfigKey } from '#model/names.ts';
import { DeviceSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { type Network, NetworkSchema, type NetworkService } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { addChild, endParent, GuardKey } from './guard.ts';
import { readInstallation } from './installation.ts';
import { holdPrefix, takePrefix } from './leases.ts';
import { readPage } from './page.ts';
import { applyMask, makeId, mustBeNew, readRecord, readResource, storeResource } from './resource.ts';
import { refuseBehind } from './sites.ts';
import type { Stores } from './stores.ts';
import { keyOf, tenantKey } from './tenants.ts';

const CHANGEABLE = new Map<string, keyof Network>([
  ['display_name', 'displayName'],
  ['egress', 'egress'],
]);
/** Devices have addresses out of it. */
const FIXED = new Map<string, keyof Network>([
  ['ipv4_pool', 'ipv4Pool'],
  ['ipv6_prefix', 'ipv6Prefix'],
]);

export const networkKey = (tenant: string, network: string): string =>
  keyOf(() => ConfigKey.network(tenant, network), 'network', network);

const read = (config: Store, tenant: string, network: string, etag?: string) =>
  readRecord(config, 'network', network, networkKey(tenant, network), etag);

const refuseIfUsed = async (config: Store, tenant: string, network: Network): Promise<void> => {
  // Rare and by people: reading the tenant's devices is cheaper than keeping an index for it.
  for (const record of await config.list(`${tenant}.device.*`)) {
    const device = config.read(DeviceSchema, record);
    if (device.network !== network.id) continue;
    const message = `network ${JSON.stringify(network.id)} still has devices, such as ${JSON.stringify(device.id)}: delete them first`;
    throw apiError(Code.FailedPrecondition, 'NETWORK_NOT_EMPTY', message);
  }
  await refuseBehind(config, tenant, network);
};

/** @returns the number that the network has in the installation's prefix */
const prefixIndex = (ipv6Prefix: string): number => Number.parseInt(ipv6Prefix.split(':')[3] || '0', 16);

export const networkService = ({ config }: Stores): ServiceImpl<typeof NetworkService> => ({
  listNetworks: async ({ tenant, page }) => {
    await readRecord(config, 'tenant', tenant, tenantKey(tenant));
    const { items, nextPageToken } = await readPage(config, NetworkSchema, `${tenant}.network.*`, page);
    return { networks: items, nextPageToken };
  },

  getNetwork: async ({ tenant, network }) => readResource(config, NetworkSchema, await read(config, tenant, network)),

  createNetwork: (request, context) => {
    const { tenant } = request;
    const id = request.network?.id || makeId('network');
    const { displayName = '', ipv4Pool = '', egress = false } = request.network ?? {};
    return makeChange<Network>(config, context, request, async () => {
      const pool = parsePool(ipv4Pool);
      if (typeof pool === 'string') throw badRequest([{ field: 'network.ipv4_pool', description: pool }]);
      const parent = await readRecord(config, 'tenant', tenant, tenantKey(tenant));
      const key = networkKey(tenant, id);
      const ifRevision = mustBeNew(await config.last(key), 'network', id);
      const { ipv6Prefix: installation } = await readInstallation(config);
      const prefix = await takePrefix(config, { tenant, network: id });
      const ipv6Prefix = networkPrefix(installation, prefix.index);
      const network = create(NetworkSchema, { tenant, id, displayName, ipv4Pool, ipv6Prefix, egress });
      return {
        resource: { key, value: storeResource(NetworkSchema, network), ifRevision },
        others: [prefix.change, addChild(GuardKey.tenant(tenant), parent, id)],
        event: { tenant, data: { case: 'networkCreated', value: network } },
        answer: network,
      };
    });
  },

  updateNetwork: (request, context) =>
    makeChange<Network>(config, context, request, async () => {
      const record = await read(config, request.tenant, request.network?.id ?? '', request.etag);
      const network = readResource(config, NetworkSchema, record);
      applyMask(network, request.network as Network, request.updateMask?.paths ?? [], CHANGEABLE, FIXED);
      return {
        resource: { key: record.key, value: storeResource(NetworkSchema, network), ifRevision: record.revision },
        event: { tenant: request.tenant, data: { case: 'networkUpdated', value: network } },
        answer: network,
      };
    }),

  deleteNetwork: (request, context) =>
    makeChange(config, context, request, async () => {
      const { tenant, network: id } = request;
      const record = await read(config, tenant, id, request.etag);
      const network = readResource(config, NetworkSchema, record);
      const guard = await endParent(config, GuardKey.network(tenant, id), () => refuseIfUsed(config, tenant, network));
      return {
        resource: { key: record.key, value: undefined, ifRevision: record.revision },
        others: [guard, holdPrefix({ tenant, network: id }, prefixIndex(network.ipv6Prefix))],
        event: { tenant, data: { case: 'networkDeleted', value: network } },
      };
    }),
});
