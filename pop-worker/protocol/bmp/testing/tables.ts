/** What a station is to know in the end, by what is in the RIB. */
import assert from 'node:assert/strict';
import type { PrefixDestinations } from '#protocol/bgp/rib/destinations.ts';
import { REJECT, type RoutePolicy } from '#protocol/bgp/rib/route-policy.ts';
import { LOCAL_AS } from '#protocol/bgp/rib/testing/peers.ts';
import { decode, prefixText } from '#protocol/bgp/rib/testing/route.ts';
import type { Scene } from './scene.ts';

/** The tables of IPv4 as they are in the RIB, in the form and order of those of a station. */
export const tablesOf = ({ rib }: Scene, peers: readonly number[]): string[][] => {
  const [family] = rib.families;
  assert.ok(family !== undefined);
  const { paths, best, destinations, store } = family;
  const line = (destination: number, set: number, before: readonly number[] = []): string => {
    const address = new Uint32Array(4);
    const { table } = destinations as PrefixDestinations;
    table.addressOf(destination, address);
    const length = table.lengthOf(destination);
    const start = store.startOf(set);
    const { path } = decode(store.bytesOf(set), start, start + store.lengthOf(set), '');
    return `${prefixText(address, length, 32)}: ${[...before, ...path].join(' ')}`;
  };
  const all = Array.from({ length: paths.limit }, (_, path) => path).filter((path) => paths.received[path] !== 0);
  const of = (index: number, column: Uint32Array): string[] =>
    all
      .filter((path) => paths.source[path] === index && column[path] !== 0)
      .map((path) => line(paths.destination[path]!, column[path]! - 1));
  const chosen = [...best.entries()].filter(([id, path]) => destinations.has(id) && path >= 0);
  const loc = chosen.map(([id, path]) => line(id, paths.accepted[path]! - 1));
  const out = (index: number): string[] =>
    chosen
      .filter(([, path]) => paths.source[path] !== index)
      .map(([id, path]) => line(id, paths.accepted[path]! - 1, [LOCAL_AS]));
  return [
    ...peers.flatMap((index) => [of(index, paths.received), of(index, paths.accepted)]),
    loc,
    ...peers.map(out),
  ].map((table) => table.toSorted());
};

/** Rejects whatever has an odd number at the end of its path. */
export const odd = (scene: Scene): RoutePolicy => ({
  setsMed: false,
  apply: (_source, _family, _destination, id) =>
    (scene.rib.store.columns.originAs[id] as number) % 2 === 1 ? REJECT : id,
});
