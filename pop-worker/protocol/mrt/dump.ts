import { PrefixDestinations } from '#protocol/bgp/rib/destinations.ts';
import { nextHopOf } from '#protocol/bgp/rib/edits.ts';
import type { FamilyRib } from '#protocol/bgp/rib/family-rib.ts';
import { NONE } from '#protocol/bgp/rib/paths.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { addressBits } from '#protocol/bgp/wire/families.ts';
import { entryAttributes } from './attributes.ts';
import { type MrtEntry, type MrtPeer, writePeerIndex, writeRoutes } from './table-dump.ts';

/** A neighbour of the RIB, and what a dump says of it. */
export interface DumpPeer extends MrtPeer {
  /** As the RIB knows it; that of our own routes is `OWN`. */
  readonly index: number;
}

/**
 * All unicast routes as they came, before import (RFC 6396 §4.3): the index of peers, then a record for each prefix. The
 * RIB may change between two records; what has gone by then is left out.
 *
 * @param collector our BGP identifier
 * @param peers routes of others are left out
 * @param seconds since 1970
 */
export function* dumpRoutes(
  rib: Rib,
  collector: number,
  peers: readonly DumpPeer[],
  seconds: number,
): Generator<Uint8Array, void, undefined> {
  yield writePeerIndex(seconds, { collector, view: '', peers });
  const placeOf = new Map(peers.map(({ index }, place) => [index, place]));
  let sequence = 0;
  for (const family of rib.families) {
    const { destinations } = family;
    if (!(destinations instanceof PrefixDestinations)) continue;
    for (let id = 0; id < destinations.limit; id++) {
      if (!destinations.has(id)) continue;
      const entries = entriesOf(rib, family, id, placeOf, seconds);
      if (entries.length === 0) continue;
      yield writeRoutes(seconds, { sequence, family: family.family, nlri: nlriOf(destinations, id), entries });
      sequence = (sequence + 1) >>> 0;
    }
  }
}

const entriesOf = (
  { store }: Rib,
  { family, paths }: FamilyRib,
  destination: number,
  placeOf: ReadonlyMap<number, number>,
  seconds: number,
): MrtEntry[] => {
  const entries: (MrtEntry & { readonly pathId: number })[] = [];
  for (let path = paths.heads[destination] as number; path !== NONE; path = paths.next[path] as number) {
    const peer = placeOf.get(paths.source[path] as number);
    const set = (paths.received[path] as number) - 1;
    if (peer === undefined || set < 0) continue;
    const start = store.startOf(set);
    const end = start + store.lengthOf(set);
    const hop = nextHopOf(store, set);
    // Our own routes go with our address, whichever that is: tools want one.
    const nextHop = hop.length === 0 ? new Uint8Array(addressBits(family) / 8) : hop;
    const attributes = entryAttributes(store.bytesOf(set), start, end, family, nextHop);
    // When it came is not known: the dump says that it was there by now.
    if (attributes.length <= 0xffff)
      entries.push({ peer, originatedAt: seconds, pathId: paths.pathId[path] as number, attributes });
  }
  // Where no neighbour has given any, none are told: tools that know no RFC 8050 read that.
  return entries.some(({ pathId }) => pathId !== 0) ? entries : entries.map(({ pathId: _, ...entry }) => entry);
};

const address = new Uint32Array(4);
const bytes = new Uint8Array(16);

const nlriOf = ({ table }: PrefixDestinations, id: number): Uint8Array => {
  const length = table.lengthOf(id);
  table.addressOf(id, address);
  for (let i = 0; i < 4; i++) writeU32(bytes, 4 * i, address[i] as number);
  return Uint8Array.of(length, ...bytes.subarray(0, (length + 7) >>> 3));
};
