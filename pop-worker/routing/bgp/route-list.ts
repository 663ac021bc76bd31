import type { RpkiName } from '#protocol/bgp/policy/rule.ts';
import { PrefixDestinations } from '#protocol/bgp/rib/destinations.ts';
import { nextHopOf } from '#protocol/bgp/rib/edits.ts';
import type { FamilyRib } from '#protocol/bgp/rib/family-rib.ts';
import { FlowDestinations } from '#protocol/bgp/rib/flow-destinations.ts';
import { pathsTo } from '#protocol/bgp/rib/inspect.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { REJECT } from '#protocol/bgp/rib/route-policy.ts';
import { attributesText } from '#protocol/bgp/wire/attributes/text.ts';
import { addressBits, familyName } from '#protocol/bgp/wire/families.ts';
import { decodeFlowSpec } from '#protocol/bgp/wire/flowspec/codec.ts';
import { flowSpecText } from '#protocol/bgp/wire/flowspec/text.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';

/** Paths of a page, and destinations that are looked at for one: the thread does nothing else meanwhile. */
const PAGE_PATHS = 500;
const PAGE_DESTINATIONS = 20_000;

/** What is asked for. */
export interface RouteQuery {
  /** Its text; undefined: of all. */
  readonly family?: string | undefined;
  /** Its text, or that of a flow specification; undefined: any. */
  readonly prefix?: string | undefined;
  /** Name of the neighbour that they are from; undefined: of all, and our own. */
  readonly from?: string | undefined;
  /** Only those that were chosen. */
  readonly isBest: boolean;
  /** Where the page before ended; undefined: at the beginning. */
  readonly cursor?: RouteCursor | undefined;
}

export interface RouteCursor {
  readonly slot: number;
  readonly destination: number;
}

/** A path as operators see it. */
export interface RouteView {
  readonly family: string;
  /** Or the components of a flow specification. */
  readonly prefix: string;
  /** Name of the neighbour that it is from; absent: it begins here. */
  readonly from?: string | undefined;
  /** As the neighbour has numbered it (RFC 7911). */
  readonly pathId: number;
  readonly best: boolean;
  /** Import has taken it, and its next hop can be reached. */
  readonly usable: boolean;
  /** Kept while the neighbour restarts, and longer (RFC 4724, RFC 9494). */
  readonly stale: boolean;
  readonly longLived: boolean;
  /** What the RPKI says of its origin (RFC 6811); absent where there is no cache, and for our own. */
  readonly rpki?: RpkiName | undefined;
  /** Empty for our own, which each neighbour is told with our address. */
  readonly nextHop: string;
  /** By name, such as `AS_PATH`; as import has left them, or as they came when it has rejected the path. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RoutePage {
  readonly routes: readonly RouteView[];
  /** Undefined: that was the last one. */
  readonly next?: RouteCursor | undefined;
}

/** Name of a neighbour by its index; undefined: us. */
type NameOf = (index: number) => string | undefined;

/** What the RPKI says of a path of a neighbour, as it came; undefined: nobody is asked. */
export type ValidityOf = (
  source: number,
  family: number,
  destination: number,
  received: number,
) => RpkiName | undefined;

const words = new Uint32Array(4);

/** The text of what a route leads to. */
const destinationText = ({ family, destinations }: FamilyRib, id: number): string => {
  if (destinations instanceof PrefixDestinations) {
    const { table } = destinations;
    table.addressOf(id, words);
    const bytes = Uint8Array.from(
      { length: addressBits(family) / 8 },
      (_, i) => (words[i >>> 2] as number) >>> (24 - 8 * (i & 3)),
    );
    return `${formatIpAddress(bytes)}/${table.lengthOf(id)}`;
  }
  if (!(destinations instanceof FlowDestinations))
    throw new TypeError(`family ${family} has destinations of another kind`);
  const components = destinations.bytesOf(id);
  return flowSpecText(decodeFlowSpec(components, 0, components.length, addressBits(family)));
};

const attributesOf = ({ store }: Rib, id: number): Record<string, string> => {
  const start = store.startOf(id);
  return Object.fromEntries(attributesText(store.bytesOf(id), start, start + store.lengthOf(id)));
};

/** Next hops of two addresses are the global one and the link-local one (RFC 2545). */
const nextHopText = ({ store }: Rib, id: number): string => {
  const bytes = nextHopOf(store, id);
  if (bytes.length <= 16) return bytes.length === 0 ? '' : formatIpAddress(bytes);
  return `${formatIpAddress(bytes.subarray(0, 16))} ${formatIpAddress(bytes.subarray(16))}`;
};

const viewsOf = (
  rib: Rib,
  family: FamilyRib,
  destination: number,
  { isBest, prefix, from }: RouteQuery,
  nameOf: NameOf,
  validityOf: ValidityOf,
): RouteView[] => {
  const text = destinationText(family, destination);
  if (prefix !== undefined && prefix !== text) return [];
  return pathsTo(family, destination)
    .filter((path) => (from === undefined || nameOf(path.source) === from) && (path.isBest || !isBest))
    .map((path) => {
      const id = path.accepted === REJECT ? path.received : path.accepted;
      const rpki = validityOf(path.source, family.family, destination, path.received);
      return {
        ...{ family: familyName(family.family), prefix: text, from: nameOf(path.source), pathId: path.pathId },
        ...{ best: path.isBest, usable: path.isUsable, stale: path.isStale, longLived: path.isLongLived },
        ...(rpki && { rpki }),
        ...{ nextHop: nextHopText(rib, id), attributes: attributesOf(rib, id) },
      };
    });
};

/** One page of the routes that there are, in no order. What comes and goes between two pages may be in both or in neither. */
export const routePage = (
  rib: Rib,
  query: RouteQuery,
  nameOf: NameOf,
  validityOf: ValidityOf = () => undefined,
): RoutePage => {
  const routes: RouteView[] = [];
  let looked = 0;
  let { slot, destination } = query.cursor ?? { slot: 0, destination: 0 };
  for (; slot < rib.families.length; slot++, destination = 0) {
    const family = rib.families[slot] as FamilyRib;
    if (query.family !== undefined && query.family !== familyName(family.family)) continue;
    for (; destination < family.destinations.limit; destination++) {
      if (looked++ === PAGE_DESTINATIONS || routes.length >= PAGE_PATHS) return { routes, next: { slot, destination } };
      if (family.destinations.has(destination))
        routes.push(...viewsOf(rib, family, destination, query, nameOf, validityOf));
    }
  }
  return { routes };
};
