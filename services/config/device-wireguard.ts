import { create, type DescMessage, toBinary } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { addressRange, contains, prefixRange } from '#model/ip-range.ts';
import { ConfigKey, SYSTEM } from '#model/names.ts';
import { canonicalAddress } from '#model/prefixes.ts';
import { isUsablePublicKey, parseWireguardEndpoint, wireguardEndpointText, wireguardKey } from '#model/wireguard.ts';
import { endpointHosts, endpointRefusal } from '#model/wireguard-endpoint.ts';
import {
  type Device,
  DeviceState,
  type DeviceWireguard,
  DeviceWireguardSchema,
} from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { PopSchema, WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { type WireguardPeer, WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { AnycastPrefixSchema } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import type { WireguardEdge } from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { freeWireguardKey, HOLD_SECONDS, holdPeerNumber, takePeerNumber, takeWireguardKey } from './leases.ts';
import { sealedTo, sealPresharedKey } from './preshared-key.ts';
import { changeable } from './resource.ts';
import { checkSite } from './sites.ts';
import { readWireguardEdge } from './wireguard-edge.ts';

const PATH = 'wireguard';
const FIELDS = changeable(DeviceWireguardSchema, [
  ...(['peer_number', 'has_preshared_key', 'preshared_key_sealed_to', 'preshared_key', 'endpoint_refusal'] as const),
]);
const PRESHARED_KEY = 'preshared_key';

/** What a request says of the preshared key: nothing, that there is to be none (''), or which. */
type PresharedKey = string | undefined;

/** Whether a path of an update mask is about WireGuard. */
export const isWireguardPath = (path: string): boolean => path === PATH || path.startsWith(`${PATH}.`);

/**
 * Copies what a caller asked to change of WireGuard.
 *
 * @param paths of the update mask in snake case; none at all: what has a value
 * @throws InvalidArgument on a path that does not exist or may not change
 */
export const applyWireguard = (
  device: Device,
  wanted: DeviceWireguard | undefined,
  paths: readonly string[],
): PresharedKey => {
  const asked = paths.filter(isWireguardPath);
  if (asked.includes(PATH) && wanted === undefined) delete device.wireguard;
  if (wanted === undefined && asked.every((path) => path === PATH)) return undefined;
  if (paths.length > 0 && asked.length === 0) return undefined;
  const source = wanted ?? create(DeviceWireguardSchema);
  const target = device.wireguard ?? create(DeviceWireguardSchema);
  const names = asked.includes(PATH) ? [...FIELDS.keys()] : asked.map((path) => path.slice(PATH.length + 1));
  for (const name of paths.length === 0 ? namesWithValue(source) : names) {
    const local = FIELDS.get(name);
    if (local !== undefined) Object.assign(target, { [local]: source[local] });
    else if (name !== PRESHARED_KEY) {
      const description = `${JSON.stringify(`${PATH}.${name}`)} is not a field that can change`;
      throw badRequest([{ field: 'update_mask', description }]);
    }
  }
  device.wireguard = target;
  if (asked.includes(`${PATH}.${PRESHARED_KEY}`)) return source.presharedKey;
  const isMeant = paths.length === 0 || asked.includes(PATH);
  return isMeant && source.presharedKey !== '' ? source.presharedKey : undefined;
};

const namesWithValue = (source: DeviceWireguard): string[] =>
  [...FIELDS].filter(([, local]) => String(source[local]) !== '' && source[local] !== 0).map(([name]) => name);

/** Where the edge itself is: addresses of PoPs, of workers in the mesh, what is announced, and what clients are told. */
const ownAddresses = async (config: Store, { endpoints }: WireguardEdge): Promise<string[]> => {
  const read = async <T extends DescMessage>(schema: T, kind: string) =>
    (await config.list(`${SYSTEM}.${kind}.>`)).flatMap((record) => config.tryRead(schema, record) ?? []);
  const pops = await read(PopSchema, 'pop');
  const workers = await read(WorkerSchema, 'worker');
  const prefixes = await read(AnycastPrefixSchema, 'prefix');
  return [
    ...endpointHosts(endpoints),
    ...pops.flatMap(({ addresses }) => addresses),
    ...workers.map(({ meshAddress }) => meshAddress),
    ...prefixes.map(({ prefix }) => prefix),
  ].filter((text) => text !== '');
};

/** Says of each endpoint whether workers still begin there: ranges and addresses of the edge change, and what devices have stays. */
export const addRefusals = async (config: Store, devices: readonly Device[]): Promise<void> => {
  const placed = devices.filter(({ wireguard }) => (wireguard?.endpoint ?? '') !== '');
  if (placed.length === 0) return;
  const { edge } = await readWireguardEdge(config);
  const own = await ownAddresses(config, edge);
  for (const { wireguard } of placed) {
    const host = parseWireguardEndpoint(wireguard!.endpoint)?.host ?? '';
    wireguard!.endpointRefusal = endpointRefusal(host, edge.endpointRanges, own) ?? '';
  }
};

/** @param before what the endpoint was: that it may not be any more hinders no other change @throws InvalidArgument */
const check = (
  wireguard: DeviceWireguard,
  before: string,
  edgeKeys: readonly string[],
  endpointRanges: readonly string[],
  own: readonly string[],
): void => {
  const { publicKey, endpoint } = wireguard;
  const wrong: { field: string; description: string }[] = [];
  const say = (name: string, description: string) => wrong.push({ field: `device.wireguard.${name}`, description });
  const key = wireguardKey(publicKey);
  if (key === undefined) say('public_key', 'is missing');
  else if (!isUsablePublicKey(key)) say('public_key', 'is no key that anybody can have the private key of');
  else if (edgeKeys.includes(publicKey)) say('public_key', "is the edge's own: give the device's");
  if (endpoint !== before && endpoint !== '') {
    const parsed = parseWireguardEndpoint(endpoint);
    if (parsed === undefined || !parsed.isAddress)
      say('endpoint', 'must be ADDRESS:PORT or [IPV6]:PORT, such as 203.0.113.9:51820');
    else {
      const refusal = endpointRefusal(parsed.host, endpointRanges, own);
      if (refusal === undefined) wireguard.endpoint = wireguardEndpointText(parsed);
      else say('endpoint', refusal);
    }
  }
  if (wrong.length > 0) throw badRequest(wrong);
};

/** What says how a site is reached, beside its networks in their one form. @throws InvalidArgument */
const checkProbe = (wireguard: DeviceWireguard): void => {
  const { networks, site, metric, probe } = wireguard;
  const wrong: { field: string; description: string }[] = [];
  const say = (name: string, description: string) => wrong.push({ field: `device.wireguard.${name}`, description });
  if (site !== '' && networks.length === 0) say('site', 'is of a device with networks behind it: give `networks`, too');
  if (site === '' && metric > 0) say('metric', 'chooses between devices of one site: give `site`, too');
  const range = probe === '' ? undefined : addressRange(probe);
  if (range !== undefined && !networks.some((network) => contains(prefixRange(network), range)))
    say('probe', `${probe} lies in none of the networks behind the device`);
  else if (probe !== '') wireguard.probe = canonicalAddress(probe) ?? probe;
  if (wrong.length > 0) throw badRequest(wrong);
};

const holderOf = ({ tenant, network, id }: Device) => ({ tenant, network, device: id });

/**
 * What else changes with a device whose WireGuard is new, another, or no more; brings `device.wireguard` into the form that
 * is stored and shown.
 *
 * @param before as it is stored; undefined: there is no such device yet
 * @throws InvalidArgument, AlreadyExists, FailedPrecondition
 */
export const wireguardChanges = async (
  config: Store,
  before: Device | undefined,
  device: Device,
  presharedKey: PresharedKey,
): Promise<Change[]> => {
  const { wireguard } = device;
  if (wireguard === undefined) return before === undefined ? [] : endWireguard(before);
  const { edge } = await readWireguardEdge(config);
  const edgeKeys = [edge.publicKey, edge.previousPublicKey];
  const own = wireguard.endpoint === '' ? [] : await ownAddresses(config, edge);
  const old = before?.wireguard;
  check(wireguard, old?.endpoint ?? '', edgeKeys, edge.endpointRanges, own);
  const holder = holderOf(device);
  const changes: Change[] = [];
  if (old?.publicKey !== wireguard.publicKey) {
    changes.push(await takeWireguardKey(config, holder, wireguard.publicKey));
    if (old !== undefined) changes.push(freeWireguardKey(old.publicKey));
  }
  wireguard.peerNumber = old?.peerNumber ?? 0;
  if (wireguard.peerNumber === 0) {
    const { number, change } = await takePeerNumber(config, holder);
    wireguard.peerNumber = number;
    changes.push(change);
  }
  if (String(old?.networks ?? []) !== String(wireguard.networks) || (old?.site ?? '') !== wireguard.site) {
    const site = await checkSite(config, device, wireguard.networks, wireguard.site);
    wireguard.networks = site.networks;
    changes.push(...site.changes);
  }
  checkProbe(wireguard);
  const key = ConfigKey.wireguardPeer(device.tenant, device.id);
  const { value, revision } = await config.last(key);
  const peer = value === undefined ? undefined : config.read(WireguardPeerSchema, { key, value, revision });
  const sealed =
    presharedKey === undefined ? (peer?.sealedPresharedKey ?? '') : await seal(edge.publicKey, device, presharedKey);
  wireguard.hasPresharedKey = sealed !== '';
  wireguard.presharedKeySealedTo = await sealedTo(sealed, edgeKeys);
  changes.push({ key, value: peerRecord(device, wireguard, sealed), ifRevision: revision });
  return changes;
};

const seal = async (edgeKey: string, { tenant, id: device }: Device, key: string): Promise<string> => {
  if (key === '') return '';
  if (edgeKey !== '') return sealPresharedKey(edgeKey, { tenant, device, key });
  const message =
    'a preshared key is sealed to the public key of the edge, and nobody has said which that is: an operator does (`wireguard edge update`)';
  throw apiError(Code.FailedPrecondition, 'WIREGUARD_NOT_SET_UP', message);
};

/** @returns undefined for a device that workers are not to know */
const peerRecord = (device: Device, wireguard: DeviceWireguard, sealedPresharedKey: string): Uint8Array | undefined => {
  if (device.state === DeviceState.REVOKED) return undefined;
  const { tenant, id, network, ipv4Address, ipv6Address } = device;
  const { publicKey, peerNumber: number, networks, endpoint, persistentKeepaliveSeconds: keepaliveSeconds } = wireguard;
  const peer: WireguardPeer = create(WireguardPeerSchema, {
    ...{ tenant, device: id, network, number, publicKey: wireguardKey(publicKey)!, sealedPresharedKey },
    ...{ ipv4Address, ipv6Address, networks, endpoint, keepaliveSeconds },
    ...{ site: wireguard.site, metric: wireguard.metric, probe: wireguard.probe },
  });
  return toBinary(WireguardPeerSchema, peer);
};

/** Workers know a device no more as one that comes by WireGuard; its key and its number stay its own. */
export const forgetPeer = ({ tenant, id, wireguard }: Device): Change[] =>
  wireguard === undefined
    ? []
    : [{ key: ConfigKey.wireguardPeer(tenant, id), value: undefined, ttlSeconds: HOLD_SECONDS }];

/** …and nothing is left of it; only the number is nobody's for a while. */
export const endWireguard = (device: Device): Change[] =>
  device.wireguard === undefined
    ? []
    : [
        ...forgetPeer(device),
        freeWireguardKey(device.wireguard.publicKey),
        holdPeerNumber(holderOf(device), device.wireguard.peerNumber),
      ];
