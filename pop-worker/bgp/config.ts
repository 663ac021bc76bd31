import { dirname, resolve } from 'node:path';
import type { TcpAuthentication, TcpOptions } from '#host/tcp/options.ts';
import type { BgpThreadOptions } from '#pop-worker/routing/bgp/bgp-thread.ts';
import type { BgpNeighbourConfig, BgpRoutesConfig, OriginConfig } from '#pop-worker/routing/bgp/setup.ts';
import type { SessionSettings } from '#protocol/bgp/fsm/settings.ts';
import { defaultLimits } from '#protocol/bgp/policy/builtin/limits.ts';
import type { PathLimit } from '#protocol/bgp/rib/neighbour.ts';
import { type Capabilities, Role } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { parseIpv4 } from '#protocol/ip/text.ts';
import type { BgpFile, BgpNeighborFile } from '#settings/bgp-file.ts';
import { addressWithZone, neighborName } from '#settings/bgp-neighbor.ts';
import { policiesOf } from '#settings/bgp-policy.ts';
import { splitHostPort } from '#settings/fields.ts';
import { besideOf, keyIn } from './beside.ts';

const FAMILIES = {
  'ipv4-unicast': Family.ipv4Unicast,
  'ipv6-unicast': Family.ipv6Unicast,
  'ipv4-flow': Family.ipv4Flow,
  'ipv6-flow': Family.ipv6Flow,
} as const;
const ROLES = {
  provider: Role.provider,
  'route-server': Role.routeServer,
  'route-server-client': Role.routeServerClient,
  customer: Role.customer,
  peer: Role.peer,
} as const;
/** What a neighbour is to us, where we are this to it (RFC 9234 §4.1). */
const THEIR_ROLE = {
  provider: Role.customer,
  'route-server': Role.routeServerClient,
  'route-server-client': Role.routeServer,
  customer: Role.provider,
  peer: Role.peer,
} as const;
/** RFC 9687 §4: the default, or twice the hold time. */
const SEND_HOLD_SECONDS = 480;
const KEY = 'the key of a BGP neighbour';
/** Restarts are helped with; we keep no forwarding state of our own. */
const HELPER = { isRestarting: false, hasNotification: true, restartTimeS: 0, families: [] } as const;

/** The folder that key files are named from. */
export const baseOf = (path: string): string => dirname(resolve(path));

/** @param text that is an IPv4 address */
const identifierOf = (text: string): number => {
  const [a = 0, b = 0, c = 0, d = 0] = parseIpv4(text) ?? [];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
};

const capabilitiesOf = (as: number, neighbor: BgpNeighborFile): Capabilities => {
  const families = neighbor.families.map((name) => FAMILIES[name]);
  const { add_path: addPath } = neighbor;
  return {
    families,
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessages: neighbor.extended_messages,
    fourOctetAs: as,
    extendedNextHop: neighbor.extended_next_hop && families.includes(Family.ipv4Unicast) ? [Family.ipv4Unicast] : [],
    addPath:
      addPath === 'none'
        ? []
        : families.map((family) => ({ family, receives: addPath !== 'send', sends: addPath !== 'receive' })),
    gracefulRestart: neighbor.graceful_restart ? HELPER : undefined,
    longLived:
      neighbor.graceful_restart && neighbor.long_lived_seconds > 0
        ? families.map((family) => ({ family, isForwarding: false, staleTimeS: neighbor.long_lived_seconds }))
        : [],
    role: neighbor.role === undefined ? undefined : ROLES[neighbor.role],
    unknown: [],
  };
};

const sessionOf = (file: BgpFile, neighbor: BgpNeighborFile): SessionSettings => {
  const localAs = neighbor.local_as ?? file.as;
  const sendHold = neighbor.send_hold_seconds ?? Math.max(SEND_HOLD_SECONDS, 2 * neighbor.hold_seconds);
  return {
    localAs,
    identifier: identifierOf(file.router_id),
    remoteAs: neighbor.as,
    capabilities: capabilitiesOf(localAs, neighbor),
    holdTimeS: neighbor.hold_seconds,
    connectRetryUs: neighbor.connect_retry_seconds * 1e6,
    sendHoldUs: sendHold * 1e6,
    isPassive: neighbor.passive,
    isRoleStrict: neighbor.strict_role,
    checksFirstAs: neighbor.first_as_check,
    takesAsSets: neighbor.allow_as_set,
  };
};

const authenticationOf = (neighbor: BgpNeighborFile, base: string): TcpAuthentication | undefined => {
  const { ao, md5_key_file: md5 } = neighbor;
  if (md5 !== undefined) return { type: 'md5', key: keyIn(md5, base, KEY) };
  if (ao === undefined) return undefined;
  const { send_id: sendId, receive_id: receiveId, algorithm, key_file: file } = ao;
  return { type: 'ao', sendId, receiveId, algorithm, key: keyIn(file, base, KEY) };
};

const tcpOf = (file: BgpFile, neighbor: BgpNeighborFile, base: string): TcpOptions => {
  const isExternal = neighbor.as !== (neighbor.local_as ?? file.as);
  const hops = neighbor.gtsm_hops;
  return {
    authentication: authenticationOf(neighbor, base),
    hopLimit: hops === undefined ? (neighbor.hop_limit ?? (isExternal ? 1 : 64)) : 255,
    leastHopLimit: hops === undefined ? 0 : 256 - hops,
  };
};

/** What is written, and for other families what its role makes likely; 0: no limit. */
const limitsOf = ({ role, max_prefixes: written }: BgpNeighborFile): PathLimit[] => {
  const limits = new Map(
    defaultLimits(role === undefined ? undefined : THEIR_ROLE[role]).map(({ family, paths }) => [family, paths]),
  );
  for (const [name, paths] of Object.entries(written)) limits.set(FAMILIES[name as keyof typeof FAMILIES], paths);
  return [...limits].filter(([, paths]) => paths > 0).map(([family, paths]) => ({ family, paths }));
};

/** @param base folder that key files are named from @throws ConfigError when a key cannot be read */
const neighbourOf = (file: BgpFile, neighbor: BgpNeighborFile, base: string): BgpNeighbourConfig => ({
  name: neighborName(neighbor),
  address: addressWithZone(neighbor),
  port: neighbor.port,
  localAddress: neighbor.local_address,
  device: neighbor.interface,
  session: sessionOf(file, neighbor),
  shutdown: neighbor.shutdown,
  tcp: tcpOf(file, neighbor, base),
  ...(neighbor.bfd_interval_ms !== undefined && {
    bfd: { intervalMs: neighbor.bfd_interval_ms, multiplier: neighbor.bfd_multiplier },
  }),
  routes: {
    import: neighbor.import,
    export: neighbor.export,
    isReflectorClient: neighbor.route_reflector_client,
    isServed: neighbor.route_server_client,
    setsNextHop: neighbor.next_hop_self,
    limits: limitsOf(neighbor),
    flowValidation: neighbor.flow_validation,
    nextHop4: neighbor.next_hop4,
    nextHop6: neighbor.next_hop6,
  },
});

const originOf = (origin: BgpFile['originate'][number]): OriginConfig => ({
  prefix: origin.prefix,
  med: origin.med,
  communities: origin.communities.map((text) => text.split(':').map(Number) as [number, number]),
  largeCommunities: origin.large_communities.map((text) => text.split(':').map(Number) as [number, number, number]),
});

export const originsOf = (file: BgpFile): OriginConfig[] => file.originate.map(originOf);

const routesOf = (file: BgpFile): BgpRoutesConfig => ({
  as: file.as,
  identifier: identifierOf(file.router_id),
  clusterId: identifierOf(file.cluster_id ?? file.router_id),
  comparesAllMeds: file.always_compare_med,
  nextHops: file.next_hops,
  mostBytes: file.max_route_megabytes * 2 ** 20,
  originate: originsOf(file),
  policies: policiesOf(file.policy),
});

export const threadOptionsOf = (file: BgpFile, path: string): BgpThreadOptions => ({
  listen: file.listen.map((text) => {
    const { host, port } = splitHostPort(text);
    return { address: host, port };
  }),
  routes: routesOf(file),
  ...besideOf(file, baseOf(path)),
});

/** Every neighbour of a configuration file. @param path of the file @throws ConfigError */
export const neighboursOf = (file: BgpFile, path: string): BgpNeighbourConfig[] =>
  file.neighbor.map((neighbor) => neighbourOf(file, neighbor, baseOf(path)));
