import type { RibSession } from '#protocol/bgp/rib/neighbour.ts';
import { Rib } from '#protocol/bgp/rib/rib.ts';
import { ACCEPT_ALL } from '#protocol/bgp/rib/route-policy.ts';
import { writeHead } from '#protocol/bgp/wire/attributes/canonical.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { WELL_KNOWN } from '#protocol/bgp/wire/attributes/definition.ts';
import { writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { UpdateReader } from '#protocol/bgp/wire/update.ts';
import { UpdateWriter } from '#protocol/bgp/wire/update-writer.ts';

const NEIGHBOURS = 3;
const ROUTES = 1000;
const ROUTES_A_SET = 5;
const FIRST_AS = 64_496;
const NEXT_HOP = Uint8Array.of(192, 0, 2, 1);
const RULES = { asBytes: 4, pathIdFamilies: [] } as const;

const sessionOf = (as: number): RibSession => ({
  remoteIdentifier: as,
  families: [Family.ipv4Unicast],
  rules: {
    ...{ isExternal: true, firstAs: as, takesAsSets: false, families: [Family.ipv4Unicast], ipv6NextHopFamilies: [] },
    ...RULES,
  },
  writeRules: RULES,
  largestSent: MAX_MESSAGE_BYTES,
  enhancedRouteRefresh: false,
  longLived: [],
  gracefulRestart: undefined,
  localRole: undefined,
});

/** ORIGIN and AS_PATH. @returns where they end */
const writeAttributes = (out: Uint8Array, as: number, set: number): number => {
  const origin = writeHead(out, 0, WELL_KNOWN, AttributeCode.origin, 1);
  out[origin] = 0;
  const path = writeHead(out, origin + 1, WELL_KNOWN, AttributeCode.asPath, 10);
  out.set([2, 2], path);
  return writeU32(out, writeU32(out, path + 2, as), 1 + set);
};

/**
 * Has routes come, be told to others and go again in tables that are then thrown away, so that V8 has compiled what
 * withdraws those of a neighbour before the first one dies: that is when time counts.
 *
 * @returns messages that were written, and sets of attributes that are left
 */
export const warmUp = (): { readonly messages: number; readonly sets: number } => {
  const rib = new Rib({ identifier: 1, clusterId: 1, key: { k0: 1, k1: 2 }, comparesAllMeds: false });
  const output = new Uint8Array(MAX_MESSAGE_BYTES);
  const attributes = new Uint8Array(64);
  const writer = new UpdateWriter();
  const reader = new UpdateReader();
  const address = new Uint32Array(4);
  const neighbours = Array.from({ length: NEIGHBOURS }, (_, i) => {
    const as = FIRST_AS + i;
    const index = rib.addNeighbour({
      ...{
        as,
        localAs: FIRST_AS - 1,
        address: NEXT_HOP,
        importPolicy: ACCEPT_ALL,
        exportPolicy: ACCEPT_ALL,
        limits: [],
      },
      ...{ isReflectorClient: false, isServed: false, setsNextHop: false, flowValidation: 'none' },
    });
    const session = sessionOf(as);
    rib.up(index, session, { ipv4: Uint8Array.of(192, 0, 2, 2) });
    return { as, index, session };
  });
  let messages = 0;
  /** Those behind one are told what there is. */
  const tell = (behind: number): void => {
    for (const { index } of neighbours) if (index > behind) while (rib.nextUpdate(index, output, 0) > 0) messages++;
  };
  for (const { as, index, session } of neighbours) {
    for (let route = 0; route < ROUTES; route += ROUTES_A_SET) {
      const end = writeAttributes(attributes, as, route);
      writer.announce(output, 0, output.length, Family.ipv4Unicast, attributes, 0, end, NEXT_HOP, RULES);
      for (let i = 0; i < ROUTES_A_SET; i++) {
        address[0] = (0x0a00_0000 + (index * ROUTES + route + i) * 256) >>> 0;
        writer.add(address, 24, 0);
      }
      reader.read(output, HEADER_BYTES, writer.finish(), session.rules);
      rib.take(index, reader);
    }
    tell(0);
  }
  for (const { index } of neighbours) {
    rib.down(index, []);
    tell(index);
  }
  return { messages, sets: rib.store.size };
};
