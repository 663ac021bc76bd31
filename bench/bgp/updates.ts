import { writeHead } from '#protocol/bgp/wire/attributes/canonical.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { MessageType, writeHeader } from '#protocol/bgp/wire/header.ts';
import { writePrefix } from '#protocol/bgp/wire/nlri.ts';

/** Routes of one neighbour: /24 prefixes that follow each other, in sets of attributes of as many routes each. */
export interface Announced {
  readonly as: number;
  /** Of IPv4, as a number. */
  readonly nextHop: number;
  /** Number of the first route among those of all neighbours. */
  readonly first: number;
  readonly routes: number;
  readonly sets: number;
}

const FIRST_PREFIX = 0x0100_0000;
/** The AS that originates routes of a set is this and its number. */
export const FIRST_ORIGIN = 200_000;
export const PREFIX_BITS = 24;
const MOST_BYTES_A_SET = 512;

/** Address of a route by its number. */
export const prefixOf = (route: number): number => FIRST_PREFIX + route * 256;

/** Number of a route by its address. */
export const routeOf = (address: number): number => (address - FIRST_PREFIX) / 256;

/** Repeatable. */
const numbers = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

/** Attributes as they are in the global table: paths of 2 to 7, MED of a third, communities of two thirds. */
const writeAttributes = (
  out: Uint8Array,
  from: number,
  { as, nextHop }: Announced,
  set: number,
  below: (n: number) => number,
): number => {
  let at = writeHead(out, from, 0x40, AttributeCode.origin, 1);
  out[at++] = below(20) === 0 ? 2 : 0;
  const hops = 2 + below(6);
  at = writeHead(out, at, 0x40, AttributeCode.asPath, 2 + 4 * hops);
  out[at++] = 2;
  out[at++] = hops;
  at = writeU32(out, at, as);
  for (let i = 1; i < hops - 1; i++) at = writeU32(out, at, 1000 + below(60_000));
  at = writeU32(out, at, FIRST_ORIGIN + set);
  at = writeU32(out, writeHead(out, at, 0x40, AttributeCode.nextHop, 4), nextHop);
  if (below(3) === 0) at = writeU32(out, writeHead(out, at, 0x80, AttributeCode.multiExitDisc, 4), below(1000));
  if (below(12) === 0) {
    at = writeU32(out, writeHead(out, at, 0xc0, AttributeCode.aggregator, 8), 1000 + below(60_000));
    at = writeU32(out, at, nextHop);
  }
  const communities = below(3) === 0 ? 0 : 1 + below(8);
  if (communities > 0) {
    at = writeHead(out, at, 0xc0, AttributeCode.communities, 4 * communities);
    for (let i = 0; i < communities; i++) at = writeU32(out, at, (64_500 << 16) + below(5000));
  }
  const large = below(5) === 0 ? 1 + below(3) : 0;
  if (large > 0) {
    at = writeHead(out, at, 0xc0, AttributeCode.largeCommunities, 12 * large);
    for (let i = 0; i < large * 3; i++) at = writeU32(out, at, 64_500 + below(300) * i);
  }
  return at;
};

/** UPDATEs one behind the other, one for each set: announcements, or withdrawals of the same routes. */
export const updatesOf = (
  announced: Announced,
  isWithdrawal: boolean,
): { readonly bytes: Uint8Array; readonly updates: number } => {
  const { first, routes, sets } = announced;
  const below = numbers(7);
  const out = new Uint8Array(sets * MOST_BYTES_A_SET);
  const address = new Uint32Array(4);
  let at = 0;
  let route = 0;
  for (let set = 0; set < sets; set++) {
    const last = Math.round(((set + 1) * routes) / sets);
    const body = at + 19;
    let next = writeU16(out, body, 0);
    if (!isWithdrawal) {
      const end = writeAttributes(out, next + 2, announced, first + set, below);
      writeU16(out, next, end - next - 2);
      next = end;
    }
    for (; route < last; route++) {
      address[0] = prefixOf(first + route);
      next = writePrefix(out, next, address, PREFIX_BITS, false, 0);
    }
    if (isWithdrawal) {
      writeU16(out, body, next - body - 2);
      next = writeU16(out, next, 0);
    }
    at = writeHeader(out, at, next, MessageType.update);
  }
  return { bytes: out.slice(0, at), updates: sets };
};
