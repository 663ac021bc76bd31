import { attributesOf } from '#protocol/bgp/rib/export-filter.ts';
import type { Member } from '#protocol/bgp/rib/member.ts';
import { Outgoing } from '#protocol/bgp/rib/outgoing.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { MAX_EXTENDED_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { UpdateWriter, writeEndOfRib } from '#protocol/bgp/wire/update-writer.ts';
import type { BmpPeer } from './peer.ts';

/**
 * What a neighbour has been told, as UPDATEs like those that it was told by, and End-of-RIB for each family: for a station
 * that comes later (RFC 8671 §5.1). What is told meanwhile is not missed by whoever hears of that too.
 *
 * @param memberOf what a neighbour is told of a family, by its slot
 * @returns UPDATEs in one buffer that is used again
 */
export function* sentRoutes(
  rib: Rib,
  { negotiated }: BmpPeer,
  clusterId: number,
  memberOf: (slot: number) => Member | undefined,
): Generator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(MAX_EXTENDED_MESSAGE_BYTES);
  const outgoing = new Outgoing(clusterId);
  const writer = new UpdateWriter();
  const { writeRules, largestSent } = negotiated;
  for (const { slot, family, store, destinations } of rib.families) {
    if (!negotiated.families.includes(family)) continue;
    for (let item = 0; ; item++) {
      const member = memberOf(slot);
      if (member === undefined || item >= member.group.capacity) break;
      const { group, outbox } = member;
      const told = group.toldOf(item);
      if (told === 0 || !outbox.wasSent(item)) continue;
      outgoing.write(store, attributesOf(told), group.flagsOf(item), group.rules);
      const { bytes, end, nextHop } = outgoing;
      if (!writer.announce(buffer, 0, largestSent, family, bytes, 0, end, nextHop, writeRules)) continue;
      destinations.addTo(writer, group.destinationOf(item), group.pathIdOf(item));
      yield buffer.subarray(0, writer.finish());
    }
    yield buffer.subarray(0, writeEndOfRib(buffer, 0, family));
  }
}
