import { AttributeReader, afterFixed } from './attributes.ts';
import { align, readU16, readU32, writeU16, writeU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { addressBytes, Family } from './family.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*ROUTE (linux/rtnetlink.h). */
export const RouteMessage = { added: 24, deleted: 25, get: 26 } as const;

/** RTN_*. */
export const RouteType = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;

/** RT_SCOPE_*. */
export const Scope = { universe: 0, link: 253 } as const;

/** RT_TABLE_*; others are an administrator's. */
export const Table = { compatible: 252, main: 254, local: 255 } as const;

/** RTPROT_*: who made a route. 203 is ours, and nobody's in rt_protos of iproute2. */
export const RouteProtocol = { unspecified: 0, cloudbridge: 203 } as const;

/** One hop of a route that has several in itself; struct rtnexthop. */
export interface RouteHop {
  readonly device: number;
  readonly gateway: Uint8Array | undefined;
  /** 1 to 256. */
  readonly weight: number;
  /** RTNH_F_*. */
  readonly flags: number;
}

/** struct rtmsg and its attributes; 0 and undefined stand for one that is not there. */
export interface Route {
  family: number;
  /** 4 or 16 bytes. */
  destination: Uint8Array;
  destinationLength: number;
  source: Uint8Array | undefined;
  sourceLength: number;
  typeOfService: number;
  table: number;
  protocol: number;
  scope: number;
  type: number;
  flags: number;
  metric: number;
  /** Index of the device it leads out of. */
  device: number;
  /** Of either family: an IPv4 route may lead to an IPv6 gateway (RFC 8950). */
  gateway: Uint8Array | undefined;
  preferredSource: Uint8Array | undefined;
  /** Of a nexthop or group; then the route has neither device, gateway nor hops. */
  nextHop: number;
  hops: readonly RouteHop[];
  /** Of the path, 0: that of the device. */
  mtu: number;
}

export const RTMSG_BYTES = 12;
const RTNEXTHOP_BYTES = 8;
/** RTA_*. */
const A = {
  destination: 1,
  source: 2,
  device: 4,
  gateway: 5,
  metric: 6,
  preferredSource: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
  nextHop: 30,
} as const;
/** RTAX_MTU. */
const METRIC_MTU = 2;
const VIA_FAMILY_BYTES = 2;

const NO_HOPS: readonly RouteHop[] = [];

/** A route with nothing in it but what is given. */
export const newRoute = (fields: Partial<Route> = {}): Route => ({
  family: Family.ipv4,
  destination: new Uint8Array(addressBytes(fields.family ?? Family.ipv4)),
  destinationLength: 0,
  source: undefined,
  sourceLength: 0,
  typeOfService: 0,
  table: Table.main,
  protocol: RouteProtocol.unspecified,
  scope: Scope.universe,
  type: RouteType.unicast,
  flags: 0,
  metric: 0,
  device: 0,
  gateway: undefined,
  preferredSource: undefined,
  nextHop: 0,
  hops: NO_HOPS,
  mtu: 0,
  ...fields,
});

/** struct rtvia: family and address. */
const readVia = ({ bytes, at, end }: AttributeReader): Uint8Array => {
  const addressAt = afterFixed(at, end, VIA_FAMILY_BYTES);
  if (end - addressAt !== addressBytes(readU16(bytes, at))) {
    throw new NetlinkError(NetlinkFault.size, `RTA_VIA has ${end - at} bytes`);
  }
  return bytes.slice(addressAt, end);
};

const readHop = (bytes: Uint8Array, at: number, end: number): RouteHop => {
  let gateway: Uint8Array | undefined;
  const attributes = new AttributeReader(bytes, at + RTNEXTHOP_BYTES, end);
  while (attributes.next()) {
    if (attributes.type === A.gateway) gateway = attributes.address();
    else if (attributes.type === A.via) gateway = readVia(attributes);
  }
  return {
    device: readU32(bytes, at + 4),
    gateway,
    weight: (bytes[at + 3] as number) + 1,
    flags: bytes[at + 2] as number,
  };
};

const readHops = ({ bytes, at, end }: AttributeReader): RouteHop[] => {
  const hops: RouteHop[] = [];
  for (let next = at; end - next >= RTNEXTHOP_BYTES; ) {
    const length = readU16(bytes, next);
    if (length < RTNEXTHOP_BYTES || length > end - next) {
      throw new NetlinkError(NetlinkFault.length, `a hop of ${length} bytes where ${end - next} are left`);
    }
    hops.push(readHop(bytes, next, next + length));
    next += align(length);
  }
  return hops;
};

const readMtu = (metrics: AttributeReader): number => {
  let mtu = 0;
  while (metrics.next()) if (metrics.type === METRIC_MTU) mtu = metrics.u32();
  return mtu;
};

const readAttribute = (route: Route, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case A.destination:
      route.destination = attributes.address();
      break;
    case A.source:
      route.source = attributes.address();
      break;
    case A.device:
      route.device = attributes.u32();
      break;
    case A.gateway:
      route.gateway = attributes.address();
      break;
    case A.via:
      route.gateway = readVia(attributes);
      break;
    case A.metric:
      route.metric = attributes.u32();
      break;
    case A.preferredSource:
      route.preferredSource = attributes.address();
      break;
    case A.metrics:
      route.mtu = readMtu(attributes.nested());
      break;
    case A.multipath:
      route.hops = readHops(attributes);
      break;
    case A.table:
      route.table = attributes.u32();
      break;
    case A.nextHop:
      route.nextHop = attributes.u32();
      break;
    default:
  }
};

const checkLengths = ({ family, destination, destinationLength, source, sourceLength }: Route): void => {
  const bytes = addressBytes(family);
  if (destination.length !== bytes || destinationLength > bytes * 8) {
    throw new NetlinkError(NetlinkFault.size, `a destination of ${destination.length} bytes in family ${family}`);
  }
  if (sourceLength > bytes * 8 || (source !== undefined && source.length !== bytes)) {
    throw new NetlinkError(NetlinkFault.size, `a source of ${sourceLength} bits in family ${family}`);
  }
};

/** Reads an RTM_NEWROUTE or RTM_DELROUTE of IPv4 or IPv6. @throws NetlinkError */
export const readRoute = (bytes: Uint8Array, at: number, end: number): Route => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, RTMSG_BYTES), end);
  const family = bytes[at] as number;
  const route = newRoute({ family });
  route.destinationLength = bytes[at + 1] as number;
  route.sourceLength = bytes[at + 2] as number;
  route.typeOfService = bytes[at + 3] as number;
  route.table = bytes[at + 4] as number;
  route.protocol = bytes[at + 5] as number;
  route.scope = bytes[at + 6] as number;
  route.type = bytes[at + 7] as number;
  route.flags = readU32(bytes, at + 8);
  while (attributes.next()) readAttribute(route, attributes);
  checkLengths(route);
  return route;
};

const writeGateway = (writer: MessageWriter, family: number, gateway: Uint8Array): void => {
  if (gateway.length === addressBytes(family)) {
    writer.octets(A.gateway, gateway);
    return;
  }
  const at = writer.attribute(A.via, VIA_FAMILY_BYTES + gateway.length);
  writeU16(writer.bytes, at, gateway.length === 4 ? Family.ipv4 : Family.ipv6);
  writer.bytes.set(gateway, at + VIA_FAMILY_BYTES);
};

const writeHops = (writer: MessageWriter, family: number, hops: readonly RouteHop[]): void => {
  const nested = writer.beginNested(A.multipath, 0);
  for (const { device, gateway, weight, flags } of hops) {
    const at = writer.take(RTNEXTHOP_BYTES);
    if (gateway !== undefined) writeGateway(writer, family, gateway);
    writeU16(writer.bytes, at, writer.length - at);
    writer.bytes[at + 2] = flags;
    writer.bytes[at + 3] = weight - 1;
    writeU32(writer.bytes, at + 4, device);
  }
  writer.endNested(nested);
};

const writeAttributes = (writer: MessageWriter, route: Route): void => {
  if (route.destinationLength > 0) writer.octets(A.destination, route.destination);
  if (route.source !== undefined) writer.octets(A.source, route.source);
  if (route.table > Table.local) writer.u32(A.table, route.table);
  if (route.metric !== 0) writer.u32(A.metric, route.metric);
  if (route.nextHop !== 0) writer.u32(A.nextHop, route.nextHop);
  if (route.device !== 0) writer.u32(A.device, route.device);
  if (route.gateway !== undefined) writeGateway(writer, route.family, route.gateway);
  if (route.preferredSource !== undefined) writer.octets(A.preferredSource, route.preferredSource);
  if (route.hops.length > 0) writeHops(writer, route.family, route.hops);
  if (route.mtu === 0) return;
  const nested = writer.beginNested(A.metrics, 0);
  writer.u32(METRIC_MTU, route.mtu);
  writer.endNested(nested);
};

/** Writes the body of RTM_NEWROUTE, RTM_DELROUTE or, as a filter of a dump, RTM_GETROUTE. @throws NetlinkError */
export const writeRoute = (writer: MessageWriter, route: Route): void => {
  const at = writer.take(RTMSG_BYTES);
  const { bytes } = writer;
  bytes[at] = route.family;
  bytes[at + 1] = route.destinationLength;
  bytes[at + 2] = route.sourceLength;
  bytes[at + 3] = route.typeOfService;
  // The field has 8 bits; the attribute tells larger numbers.
  bytes[at + 4] = route.table > Table.local ? Table.compatible : route.table;
  bytes[at + 5] = route.protocol;
  bytes[at + 6] = route.scope;
  bytes[at + 7] = route.type;
  writeU32(bytes, at + 8, route.flags);
  writeAttributes(writer, route);
};
