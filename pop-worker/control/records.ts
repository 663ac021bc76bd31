import { create, fromBinary } from '@bufbuild/protobuf';
import { Bucket, ConfigKey, RevocationKey, SYSTEM } from '#model/names.ts';
import { endpointHosts } from '#model/wireguard-endpoint.ts';
import { type Device, DeviceSchema, DeviceState } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { WireguardEdgeSchema } from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import type { DesiredState } from './desired-state.ts';

/** What a worker whose record has ended is told. */
const NOBODY = { drain: false, popDrain: false };

/** The newest value of a record. Empty: it has ended; undefined: nothing is known of it, or no longer. */
export type LookUp = (bucket: string, key: string) => Uint8Array | undefined;

/**
 * Puts what a record says into the desired state: of a device, how it comes by WireGuard, a network, a
 * revocation, or the worker itself.
 *
 * @param key in that bucket: tenant, kind and identifier, parted by dots
 * @throws when the record cannot be understood; as much of it as matters to safety is followed all the same
 */
export const followRecord = (state: DesiredState, bucket: string, key: string, lookUp: LookUp): void => {
  const [tenant = '', kind = '', ...rest] = key.split('.');
  const id = rest.join('.');
  const known = lookUp(bucket, key);
  const value = known === undefined || known.length === 0 ? undefined : known;
  if (bucket === Bucket.revocations) followRevocation(state, tenant, kind, id, value !== undefined, lookUp);
  else if (kind === 'network') {
    const network = value && fromBinary(NetworkSchema, value);
    state.setNetwork(tenant, id, network && [network.ipv4Pool, network.ipv6Prefix]);
    state.setEgress(tenant, id, network?.egress ?? false);
  } else if (kind === 'wireguard' && tenant === SYSTEM) {
    const edge = value === undefined ? create(WireguardEdgeSchema) : fromBinary(WireguardEdgeSchema, value);
    state.setEdgeKey(edge.publicKey);
    state.setEndpointRules({ ranges: edge.endpointRanges, own: endpointHosts(edge.endpoints) });
  } else if (kind === 'wireguard') {
    state.setPeer(tenant, id, value && fromBinary(WireguardPeerSchema, value));
  } else if (kind === 'worker') {
    const { drain, popDrain } = value === undefined ? NOBODY : fromBinary(WorkerSchema, value);
    state.setDrain([...(drain ? (['worker'] as const) : []), ...(popDrain ? (['pop'] as const) : [])]);
  } else if (kind === 'device') {
    // First that it is refused, then that it is there: nobody may slip in between.
    const device = updateRevoked(state, tenant, id, lookUp);
    state.setDevice(tenant, id, device && stateOf(tenant, id, device));
  }
};

const stateOf = (tenant: string, id: string, { network, ipv4Address, ipv6Address }: Device) => ({
  tenant,
  id,
  network,
  ipv4: ipv4Address,
  ipv6: ipv6Address,
});

const followRevocation = (
  state: DesiredState,
  tenant: string,
  kind: string,
  id: string,
  revoked: boolean,
  lookUp: LookUp,
): void => {
  if (kind === 'device') updateRevoked(state, tenant, id, lookUp);
  else if (kind === 'token') state.setRevoked({ tenant, tokenId: id }, revoked);
  else if (kind === 'tenant') state.setRevoked({ tenant }, revoked);
  // Not to be guessed at: a tenant would be cut off for what is meant for one of its devices.
  else throw new Error(`nothing is known that can be revoked and is called ${JSON.stringify(kind.slice(0, 80))}`);
};

/**
 * A device counts as revoked by its revocation, by its own record, and while the memory of its deletion lasts: that is
 * longer than any token that names it.
 *
 * @returns the device, undefined when there is none
 */
const updateRevoked = (state: DesiredState, tenant: string, id: string, lookUp: LookUp): Device | undefined => {
  const revocation = lookUp(Bucket.revocations, RevocationKey.device(tenant, id));
  const record = lookUp(Bucket.config, ConfigKey.device(tenant, id));
  const isRevoked = revocation !== undefined && revocation.length > 0;
  // A record that cannot be read must not keep a revocation from counting.
  if (isRevoked) state.setRevoked({ tenant, device: id }, true);
  const device = record === undefined || record.length === 0 ? undefined : fromBinary(DeviceSchema, record);
  const isDeleted = record !== undefined && device === undefined;
  state.setRevoked({ tenant, device: id }, isRevoked || isDeleted || device?.state === DeviceState.REVOKED);
  return device;
};
