/** Names that lead to the nearest PoP: what those who answer for them are told. */

import type { DnsConfig as PublishedDns } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { Coordinates } from './distance.ts';
import { canonicalAddress } from './prefixes.ts';

/** A point of presence as names lead to it. */
export interface DnsPop extends Coordinates {
  readonly id: string;
  /** Unicast; one without is led to by no name. */
  readonly addresses: readonly string[];
}

export interface DnsZone {
  /** Such as edge.example. */
  readonly domain: string;
  /** Contact as SOA has it, with a dot for the @. */
  readonly mailbox: string;
  readonly nameServers: readonly string[];
  /** Names that are answered with the addresses of the nearest PoP. */
  readonly services: readonly string[];
  /** Names with addresses of their own: `anycast.edge.example A 192.0.2.1`. */
  readonly records: readonly string[];
  readonly ttlSeconds: number;
}

/** Where clients of some networks are: near to these PoPs in this order, or, without any, at the coordinates. */
export interface DnsPlace extends Coordinates {
  readonly prefixes: readonly string[];
  readonly pops: readonly string[];
}

export interface DnsConfig {
  /** Counts up. */
  readonly serial: number;
  readonly zones: readonly DnsZone[];
  readonly places: readonly DnsPlace[];
  readonly pops: readonly DnsPop[];
}

export const NO_DNS: DnsConfig = { serial: 0, zones: [], places: [], pops: [] };

/** How long an answer holds unless the zone says otherwise: so long a lost PoP is still led to by whoever has asked before. */
export const DEFAULT_TTL_SECONDS = 30;

/** A record of a zone, in the form of master files (RFC 1035 §5.1) as far as it has a name, a type and an address. */
export interface AddressRecord {
  readonly name: string;
  readonly address: string;
}

/** @returns undefined when it is none, or its address is not of its type */
export const parseAddressRecord = (text: string): AddressRecord | undefined => {
  const [, name = '', type, given = ''] = /^(\S+)\s+(A|AAAA)\s+(\S+)$/.exec(text.trim()) ?? [];
  const address = canonicalAddress(given);
  if (address === undefined || address.includes(':') !== (type === 'AAAA')) return undefined;
  return { name, address };
};

/** @param config undefined: there is no zone, or the revision is from before there were any @param serial of the revision */
export const dnsOf = (config: PublishedDns | undefined, serial: number): DnsConfig =>
  config === undefined
    ? NO_DNS
    : {
        serial,
        zones: config.zones.map((zone) => ({
          domain: zone.domain,
          mailbox: zone.mailbox || `hostmaster.${zone.domain}`,
          nameServers: zone.nameServers,
          services: zone.services,
          records: zone.records,
          ttlSeconds: zone.ttlSeconds || DEFAULT_TTL_SECONDS,
        })),
        places: config.places.map(({ prefixes, pops, latitude, longitude }) => ({
          ...{ prefixes, pops, latitude, longitude },
        })),
        pops: config.pops.map(({ id, addresses, latitude, longitude }) => ({
          ...{ id, addresses, latitude, longitude },
        })),
      };
