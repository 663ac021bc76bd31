import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { u16At, u32At } from '#protocol/bgp/wire/bytes.ts';
import { HEADER_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { FIRST_ORIGIN, PREFIX_BITS, routeOf } from './updates.ts';

const EXTENDED = 0x10;

/** Which routes a neighbour has been told of. A bit of work for each, so that what is measured is who tells. */
export class Held {
  /** How many. */
  count = 0;
  /** Told with attributes that are not those of the set that it is of. */
  wrong = 0;
  updates = 0;
  readonly #originOf: (route: number) => number;
  readonly #isHeld: Uint8Array;

  /** @param routes numbers of routes are below @param setOf number of the set that a route is of */
  constructor(routes: number, setOf: (route: number) => number) {
    this.#isHeld = new Uint8Array(routes);
    this.#originOf = (route) => FIRST_ORIGIN + setOf(route);
  }

  /** Takes a whole message. */
  take(buffer: Uint8Array, at: number, end: number): void {
    if (buffer[at + HEADER_BYTES - 1] !== MessageType.update) return;
    this.updates++;
    const withdrawn = at + HEADER_BYTES + 2;
    const attributes = withdrawn + u16At(buffer, withdrawn - 2) + 2;
    const nlri = attributes + u16At(buffer, attributes - 2);
    this.#each(buffer, withdrawn, attributes - 2, -1);
    if (nlri < end) this.#each(buffer, nlri, end, originIn(buffer, attributes, nlri));
  }

  /** @param origin AS that the routes are from; -1: they are withdrawn */
  #each(buffer: Uint8Array, start: number, end: number, origin: number): void {
    const held = this.#isHeld;
    for (let at = start; at < end; at += 4) {
      if (buffer[at] !== PREFIX_BITS) throw new Error(`a prefix of ${buffer[at]} bits, which nobody has announced`);
      const route = routeOf(addressAt(buffer, at + 1));
      if (origin < 0) {
        if (held[route] === 1) this.count--;
        held[route] = 0;
        continue;
      }
      if (this.#originOf(route) !== origin) this.wrong++;
      if (held[route] === 0) this.count++;
      held[route] = 1;
    }
  }
}

const addressAt = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) | ((buffer[at + 1] as number) << 16) | ((buffer[at + 2] as number) << 8)) >>> 0;

/** The last AS of AS_PATH. */
const originIn = (buffer: Uint8Array, start: number, end: number): number => {
  for (let at = start; at < end; ) {
    const isExtended = ((buffer[at] as number) & EXTENDED) !== 0;
    const value = at + (isExtended ? 4 : 3);
    const next = value + (isExtended ? u16At(buffer, at + 2) : (buffer[at + 2] as number));
    if (buffer[at + 1] === AttributeCode.asPath) return u32At(buffer, next - 4);
    at = next;
  }
  return 0;
};
