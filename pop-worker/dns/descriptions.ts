import { type Coordinates, distanceKm } from '#model/distance.ts';
import { type DnsConfig, type DnsPlace, type DnsPop, type DnsZone, parseAddressRecord } from '#model/dns.ts';
import type { ZoneDescription } from '#protocol/dns/zone.ts';

/** Who answers. */
export interface Answerer {
  /** The PoP that it is in: who asked it has come here, so nothing else is nearer. Undefined: it is in none. */
  readonly pop: string | undefined;
  /** Measured round trips to other PoPs in milliseconds. */
  readonly rttMs: ReadonlyMap<string, number>;
}

/** Light in glass takes about one millisecond for 100 km and back. */
const KM_A_MS = 100;

const nearestTo = (here: Coordinates, pops: readonly DnsPop[]): string[] =>
  pops
    .map((pop) => ({ id: pop.id, km: distanceKm(here, pop) }))
    .sort((a, b) => a.km - b.km || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);

/** PoPs for clients of whom nothing is known, nearest first: as near as they are to who answers. */
const inOrder = ({ pops }: DnsConfig, { pop: own, rttMs }: Answerer): DnsPop[] => {
  const here = pops.find(({ id }) => id === own);
  if (here === undefined) return [...pops];
  const cost = (pop: DnsPop): number => (pop === here ? -1 : (rttMs.get(pop.id) ?? distanceKm(here, pop) / KM_A_MS));
  return [...pops].sort((a, b) => cost(a) - cost(b) || (a.id < b.id ? -1 : 1));
};

/** By prefix; of a PoP that there is not nothing is said. */
const placesOf = (places: readonly DnsPlace[], pops: readonly DnsPop[]): Record<string, readonly string[]> => {
  const known = new Set(pops.map(({ id }) => id));
  const byPrefix: Record<string, readonly string[]> = {};
  for (const place of places) {
    const nearest = place.pops.length > 0 ? place.pops.filter((id) => known.has(id)) : nearestTo(place, pops);
    for (const prefix of place.prefixes) byPrefix[prefix] = nearest;
  }
  return byPrefix;
};

const addressesByName = ({ records }: DnsZone): Map<string, string[]> => {
  const byName = new Map<string, string[]>();
  for (const text of records) {
    const record = parseAddressRecord(text);
    if (record === undefined) continue;
    const name = record.name.toLowerCase().replace(/\.$/, '');
    byName.set(name, [...(byName.get(name) ?? []), record.address]);
  }
  return byName;
};

/** What the protocol core is to answer for each zone, as seen from who answers. */
export const descriptionsOf = (config: DnsConfig, answerer: Answerer): ZoneDescription[] => {
  const pops = inOrder(config, answerer).filter(({ addresses }) => addresses.length > 0);
  const places = placesOf(config.places, pops);
  return config.zones.map((zone) => {
    const hosts = addressesByName(zone);
    const servers = zone.nameServers.map((text) => {
      const name = text.toLowerCase().replace(/\.$/, '');
      return [name, hosts.get(name) ?? []] as const;
    });
    return {
      apex: zone.domain,
      mailbox: zone.mailbox,
      // RFC 1035 §3.3.13: 32 bits.
      serial: config.serial % 2 ** 32,
      servers: Object.fromEntries(servers),
      services: zone.services,
      hosts: Object.fromEntries(hosts),
      pops: Object.fromEntries(pops.map(({ id, addresses }) => [id, addresses])),
      places,
      ttlSeconds: zone.ttlSeconds,
    };
  });
};
