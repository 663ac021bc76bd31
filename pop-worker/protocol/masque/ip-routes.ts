import type { PayloadReader } from '#protocol/http3/varint.ts';
import { readAddress } from './ip-addresses.ts';

/** An entry of ROUTE_ADVERTISEMENT: a range that the sender routes (RFC 9484 §4.7.3). */
export interface IpRange {
  /** 4 or 16 bytes, inclusive. */
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  /** Internet Protocol Number, 0 for all. ICMP is always allowed. */
  readonly protocol: number;
}

export const MAX_ROUTES = 1024;
export const MAX_ROUTE_CAPSULE_BYTES = MAX_ROUTES * (1 + 16 + 16 + 1);

/** @returns below 0, 0 or above 0; addresses of one length are compared as numbers */
const compare = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};

const isRange = ({ start, end, protocol }: IpRange): boolean =>
  (start.length === 4 || start.length === 16) &&
  end.length === start.length &&
  Number.isInteger(protocol) &&
  protocol >= 0 &&
  protocol <= 255 &&
  compare(start, end) <= 0;

/** RFC 9484 §4.7.3: what must hold when A directly precedes B. It is transitive, so neighbours are enough. */
const inOrder = (a: IpRange, b: IpRange): boolean => {
  if (a.start.length !== b.start.length) return a.start.length < b.start.length;
  if (a.protocol !== b.protocol) return a.protocol < b.protocol;
  return compare(a.end, b.start) < 0;
};

/** A range for all protocols overlaps one for a single protocol. Both lists are sorted and free of overlap. */
const overlapsWildcard = (all: readonly IpRange[], one: readonly IpRange[]): boolean => {
  let i = 0;
  for (const range of one) {
    while (i < all.length && compare((all[i] as IpRange).end, range.start) < 0) i++;
    if (i < all.length && compare((all[i] as IpRange).start, range.end) <= 0) return true;
  }
  return false;
};

/** @returns what is wrong with a list of ranges, undefined when it may be sent or taken */
export const checkRoutes = (routes: readonly IpRange[]): string | undefined => {
  if (routes.length > MAX_ROUTES) return 'too many ranges';
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i] as IpRange;
    if (!isRange(route)) return 'invalid range';
    if (i > 0 && !inOrder(routes[i - 1] as IpRange, route)) return 'ranges out of order or overlapping';
  }
  for (const bytes of [4, 16]) {
    const family = routes.filter((route) => route.start.length === bytes);
    const all = family.filter((route) => route.protocol === 0);
    const protocols = new Set(family.map((route) => route.protocol));
    protocols.delete(0);
    for (const protocol of protocols) {
      const one = family.filter((route) => route.protocol === protocol);
      if (overlapsWildcard(all, one)) return 'a range for all protocols overlaps one for a single protocol';
    }
  }
  return undefined;
};

/** @returns undefined when the value is malformed; the order is checked by `checkRoutes` */
export const parseRoutes = (reader: PayloadReader): IpRange[] | undefined => {
  const routes: IpRange[] = [];
  while (reader.remaining > 0) {
    const version = reader.byte();
    const start = readAddress(reader, version);
    const end = readAddress(reader, version);
    const protocol = reader.byte();
    if (start === undefined || end === undefined || protocol < 0 || routes.length === MAX_ROUTES) return undefined;
    routes.push({ start, end, protocol });
  }
  return routes;
};

export const encodeRoutes = (routes: readonly IpRange[]): Uint8Array => {
  const out = new Uint8Array(routes.reduce((sum, route) => sum + 2 + 2 * route.start.length, 0));
  let at = 0;
  for (const { start, end, protocol } of routes) {
    out[at++] = start.length === 4 ? 4 : 6;
    out.set(start, at);
    out.set(end, at + start.length);
    at += 2 * start.length;
    out[at++] = protocol;
  }
  return out;
};
