import { clone, create, equals, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { deviceIpv6, type Ipv4Range, ipv4ToNumber, numberToIpv4, parsePool } from '#model/addresses.ts';
import { ConfigKey, RevocationKey } from '#model/names.ts';
import {
  type Device,
  DeviceSchema,
  type DeviceService,
  DeviceState,
  DeviceWireguardSchema,
  RevocationSchema,
} from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { apiError } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store, StoredRecord } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import {
  addRefusals,
  applyWireguard,
  endWireguard,
  forgetPeer,
  isWireguardPath,
  wireguardChanges,
} from './device-wireguard.ts';
import { addChild, GuardKey } from './guard.ts';
import { chooseAddress, HOLD_SECONDS, holdAddress } from './leases.ts';
import { networkKey } from './networks.ts';
import { readPage } from './page.ts';
import {
  alreadyExists,
  applyMask,
  makeId,
  readRecord,
  readResource,
  refuseMissing,
  storeResource,
} from './resource.ts';
import { besideSites } from './sites.ts';
import type { Stores } from './stores.ts';
import { keyOf, tenantKey } from './tenants.ts';
import { presenceOf } from './whereabouts.ts';

const CHANGEABLE = new Map<string, keyof Device>([
  ['display_name', 'displayName'],
  ['owner', 'owner'],
]);
const FIXED = new Map<string, keyof Device>([
  ['network', 'network'],
  ['ipv4_address', 'ipv4Address'],
  ['ipv6_address', 'ipv6Address'],
]);

const deviceKey = (tenant: string, device: string): string =>
  keyOf(() => ConfigKey.device(tenant, device), 'device', device);

const read = (config: Store, tenant: string, device: string, etag?: string): Promise<StoredRecord> =>
  readRecord(config, 'device', device, deviceKey(tenant, device), etag);

export const deviceService = ({ config, revocations, status }: Stores): ServiceImpl<typeof DeviceService> => ({
  listDevices: async ({ tenant, page }) => {
    await readRecord(config, 'tenant', tenant, tenantKey(tenant));
    const { items, nextPageToken } = await readPage(config, DeviceSchema, `${tenant}.device.*`, page);
    await addRefusals(config, items);
    return { devices: items, nextPageToken };
  },

  getDevice: async ({ tenant, device: id }) => {
    const device = readResource(config, DeviceSchema, await read(config, tenant, id));
    await addRefusals(config, [device]);
    device.presence = await presenceOf(status, tenant, id);
    return device;
  },

  createDevice: (request, context) => {
    const id = request.device?.id || makeId('device');
    return makeChange<Device>(config, context, request, (attempt) =>
      createDevice({ config, revocations }, request.tenant, id, request.device as Device, attempt),
    );
  },

  updateDevice: (request, context) =>
    makeChange<Device>(config, context, request, async () => {
      const record = await read(config, request.tenant, request.device?.id ?? '', request.etag);
      const device = readResource(config, DeviceSchema, record);
      const before = clone(DeviceSchema, device);
      const wanted = request.device as Device;
      const paths = request.updateMask?.paths ?? [];
      const rest = paths.filter((path) => !isWireguardPath(path));
      if (paths.length === 0 || rest.length > 0) applyMask(device, wanted, rest, CHANGEABLE, FIXED);
      const presharedKey = applyWireguard(device, wanted.wireguard, paths);
      const isOther = presharedKey !== undefined || !sameWireguard(before, device);
      const others = isOther ? await wireguardChanges(config, before, device, presharedKey) : [];
      return {
        resource: { key: record.key, value: storeResource(DeviceSchema, device), ifRevision: record.revision },
        others,
        event: { tenant: request.tenant, data: { case: 'deviceUpdated', value: device } },
        answer: device,
      };
    }),

  deleteDevice: (request, context) =>
    makeChange(config, context, request, async () => {
      const { tenant, device: id } = request;
      const record = await read(config, tenant, id, request.etag);
      const device = readResource(config, DeviceSchema, record);
      const holder = { tenant, network: device.network, device: id };
      return {
        // Also the memory of the id goes after that time: then it is free again.
        resource: { key: record.key, value: undefined, ifRevision: record.revision, ttlSeconds: HOLD_SECONDS },
        others: [holdAddress(holder, ipv4ToNumber(device.ipv4Address) as number), ...endWireguard(device)],
        event: { tenant, data: { case: 'deviceDeleted', value: device } },
      };
    }),

  revokeDevice: async (request, context) => {
    const { tenant, device: id, reason } = request;
    await read(config, tenant, id);
    // Two buckets, so no single commit: what workers act on comes first. If this process ends here, the device is revoked
    // all the same, and another copy finishes the rest (RevocationSweeper).
    await writeRevocation(revocations, tenant, id, reason);
    return makeChange<Device>(config, context, request, async () => {
      const record = await read(config, tenant, id);
      const device = readResource(config, DeviceSchema, record);
      if (device.state === DeviceState.REVOKED) return { unchanged: device };
      return revocation(record, device);
    });
  },
});

/** What marks a device as revoked in its record. */
export const revocation = (record: StoredRecord, device: Device) => {
  device.state = DeviceState.REVOKED;
  return {
    resource: { key: record.key, value: storeResource(DeviceSchema, device), ifRevision: record.revision },
    others: forgetPeer(device),
    event: { tenant: device.tenant, data: { case: 'deviceRevoked' as const, value: device } },
    answer: device,
  };
};

/** It has no expiry while the device exists: there is no way back. */
const writeRevocation = async (revocations: Store, tenant: string, device: string, reason: string): Promise<void> => {
  const key = RevocationKey.device(tenant, device);
  if ((await revocations.get(key)) !== undefined) return;
  const value = toBinary(RevocationSchema, create(RevocationSchema, { tenant, device, time: timestampNow(), reason }));
  await revocations.commit([{ key, value }]);
};

const createDevice = async (
  { config, revocations }: Pick<Stores, 'config' | 'revocations'>,
  tenant: string,
  id: string,
  wanted: Device,
  attempt: number,
) => {
  refuseMissing(DeviceSchema, wanted, 'device', ['network']);
  const parent = await readRecord(config, 'network', wanted.network, networkKey(tenant, wanted.network));
  const network = readResource(config, NetworkSchema, parent);
  const key = deviceKey(tenant, id);
  await refuseUsedId(config, revocations, tenant, id, key);
  const holder = { tenant, network: network.id, device: id };
  const range = parsePool(network.ipv4Pool) as Ipv4Range;
  const sites = await besideSites(config, tenant, network, id);
  const { ipv4, change } = await chooseAddress(config, holder, range, wanted.ipv4Address, attempt, sites.behind);
  const device = create(DeviceSchema, {
    tenant,
    id,
    displayName: wanted.displayName,
    network: network.id,
    owner: wanted.owner,
    ipv4Address: numberToIpv4(ipv4),
    ipv6Address: deviceIpv6(network.ipv6Prefix, ipv4),
    state: DeviceState.ACTIVE,
  });
  const presharedKey = applyWireguard(device, wanted.wireguard, []);
  const ofWireguard = await wireguardChanges(config, undefined, device, presharedKey);
  const guards = [addChild(GuardKey.network(tenant, network.id), parent, id), sites.change];
  return {
    resource: { key, value: storeResource(DeviceSchema, device), ifRevision: 0 },
    others: [change, ...withoutWatched(guards, ofWireguard), ...ofWireguard],
    event: { tenant, data: { case: 'deviceCreated' as const, value: device } },
    answer: device,
  };
};

/** Without the guards of what the other changes have looked at themselves: a commit changes or asks for a record once. */
const withoutWatched = (guards: readonly Change[], others: readonly Change[]): Change[] => {
  const watched = new Set(others.map(({ key }) => key));
  return guards.filter(({ key, requires }) => !watched.has(key) && !watched.has(requires?.key ?? ''));
};

const sameWireguard = (a: Device, b: Device): boolean =>
  a.wireguard === undefined || b.wireguard === undefined
    ? a.wireguard === b.wireguard
    : equals(DeviceWireguardSchema, a.wireguard, b.wireguard);

const refuseUsedId = async (
  config: Store,
  revocations: Store,
  tenant: string,
  id: string,
  key: string,
): Promise<void> => {
  const { value, revision } = await config.last(key);
  if (value !== undefined) throw alreadyExists('device', id);
  const revoked = await revocations.get(RevocationKey.device(tenant, id));
  if (revision === 0 && revoked === undefined) return;
  const message = `device ${JSON.stringify(id)} was deleted less than 25 hours ago, and tokens may still name it: choose another id`;
  throw apiError(Code.AlreadyExists, 'DEVICE_ID_HELD', message);
};
