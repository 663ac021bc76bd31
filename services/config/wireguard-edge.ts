import { create } from '@bufbuild/protobuf';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { parsePrefixRange, prefixText } from '#model/ip-range.ts';
import { ConfigKey, SYSTEM } from '#model/names.ts';
import { canonicalAddress } from '#model/prefixes.ts';
import {
  isReachableAddress,
  isUsablePublicKey,
  parseWireguardEndpoint,
  wireguardEndpointText,
  wireguardKey,
} from '#model/wireguard.ts';
import { neverEndpoint } from '#model/wireguard-endpoint.ts';
import {
  type WireguardEdge,
  WireguardEdgeSchema,
  type WireguardService,
} from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { LastRevision, Store } from '#services/store/store.ts';
import { makeChange } from './change.ts';
import { wireguardKeyLease } from './leases.ts';
import { applyMask, changeable, readResource, storeResource } from './resource.ts';
import type { Stores } from './stores.ts';
import { readRotation } from './wireguard-rotation.ts';

const CHANGEABLE = changeable(WireguardEdgeSchema, []);

/** What is said of the edge; before anything was, nothing. */
export const readWireguardEdge = async (
  config: Store,
): Promise<{ readonly edge: WireguardEdge; readonly last: LastRevision }> => {
  const key = ConfigKey.wireguardEdge;
  const last = await config.last(key);
  const { value, revision } = last;
  const edge =
    value === undefined
      ? create(WireguardEdgeSchema)
      : readResource(config, WireguardEdgeSchema, { key, value, revision, timeMs: 0 });
  return { edge, last };
};

export const wireguardService = (stores: Stores): ServiceImpl<typeof WireguardService> => ({
  ...edgeMethods(stores),
  getWireguardRotation: async () => readRotation(stores, (await readWireguardEdge(stores.config)).edge),
});

const edgeMethods = ({ config }: Stores): Omit<ServiceImpl<typeof WireguardService>, 'getWireguardRotation'> => ({
  getWireguardEdge: async () => (await readWireguardEdge(config)).edge,

  updateWireguardEdge: (request, context) =>
    makeChange<WireguardEdge>(config, context, request, async () => {
      const { edge, last } = await readWireguardEdge(config);
      const etag = last.value === undefined ? '' : String(last.revision);
      if (request.etag !== '' && request.etag !== etag) {
        const message = `what WireGuard clients are told was changed meanwhile: its etag is ${JSON.stringify(etag)}, not ${JSON.stringify(request.etag)}; read it again`;
        throw apiError(Code.Aborted, 'ETAG_MISMATCH', message);
      }
      const { publicKey, previousPublicKey } = edge;
      applyMask(edge, request.edge as WireguardEdge, request.updateMask?.paths ?? [], CHANGEABLE, new Map());
      if (edge.previousPublicKey === previousPublicKey) keepPrevious(edge, publicKey);
      check(edge);
      await refuseKeyOfDevice(config, edge);
      return {
        resource: {
          key: ConfigKey.wireguardEdge,
          value: storeResource(WireguardEdgeSchema, edge),
          ifRevision: last.revision,
        },
        event: { tenant: SYSTEM, data: { case: 'wireguardEdgeUpdated', value: edge } },
        answer: edge,
      };
    }),
});

/**
 * Another key than before has that one as its previous one.
 *
 * @param before which the public key was
 * @throws FailedPrecondition when a third one would come, whose devices no worker would take
 */
const keepPrevious = (edge: WireguardEdge, before: string): void => {
  const { publicKey, previousPublicKey } = edge;
  if (publicKey === '') edge.previousPublicKey = '';
  if (publicKey === before || publicKey === '' || before === '') return;
  if (previousPublicKey !== '' && previousPublicKey !== publicKey)
    throw apiError(
      Code.FailedPrecondition,
      'WIREGUARD_KEY_OVERLAP',
      'the key before the present one is still taken: end that first (previous_public_key ""), when no device needs it any more',
    );
  edge.previousPublicKey = before;
};

/** Brings fields into their one form. @throws InvalidArgument */
const check = (edge: WireguardEdge): void => {
  const { publicKey, previousPublicKey, endpoints } = edge;
  const wrong: { field: string; description: string }[] = [];
  for (const [field, text] of [
    ['edge.public_key', publicKey],
    ['edge.previous_public_key', previousPublicKey],
  ] as const) {
    const key = wireguardKey(text);
    if (key !== undefined && !isUsablePublicKey(key))
      wrong.push({ field, description: 'is no key that anybody can have the private key of' });
  }
  if (previousPublicKey !== '' && previousPublicKey === publicKey)
    wrong.push({ field: 'edge.previous_public_key', description: 'is the same as public_key: leave it out' });
  // One without the other leads nobody here.
  if (publicKey === '' && endpoints.length > 0) wrong.push({ field: 'edge.public_key', description: 'is missing' });
  if (publicKey === '' && previousPublicKey !== '')
    wrong.push({ field: 'edge.previous_public_key', description: 'is of no use without public_key' });
  if (publicKey !== '' && endpoints.length === 0) wrong.push({ field: 'edge.endpoints', description: 'is missing' });
  edge.endpoints = endpoints.map((text, i) => {
    const endpoint = parseWireguardEndpoint(text);
    const field = `edge.endpoints[${i}]`;
    if (endpoint === undefined)
      wrong.push({ field, description: 'must be ADDRESS:PORT, [IPV6]:PORT or NAME:PORT, such as 192.0.2.1:51820' });
    else if (endpoint.isAddress && !isReachableAddress(endpoint.host))
      wrong.push({ field, description: 'is an address that nobody reaches from elsewhere' });
    return endpoint === undefined ? text : wireguardEndpointText(endpoint);
  });
  edge.endpointRanges = edge.endpointRanges.map((text, i) => {
    const range = parsePrefixRange(text);
    const field = `edge.endpoint_ranges[${i}]`;
    const never = typeof range === 'string' ? undefined : neverEndpoint(range);
    if (typeof range === 'string') wrong.push({ field, description: range });
    else if (never !== undefined) wrong.push({ field, description: `holds ${never}, where no worker ever begins` });
    return typeof range === 'string' ? text : prefixText(range);
  });
  edge.dns = edge.dns.map((text) => canonicalAddress(text) ?? text);
  if (wrong.length > 0) throw badRequest(wrong);
};

/** Who had the edge's key would be the edge. */
const refuseKeyOfDevice = async (config: Store, edge: WireguardEdge): Promise<void> => {
  for (const [name, key] of [
    ['public_key', edge.publicKey],
    ['previous_public_key', edge.previousPublicKey],
  ] as const) {
    if (key === '' || (await config.get(wireguardKeyLease(key))) === undefined) continue;
    throw apiError(Code.AlreadyExists, 'WIREGUARD_KEY_TAKEN', `${name} is that of a device: make a key of its own`);
  }
};
