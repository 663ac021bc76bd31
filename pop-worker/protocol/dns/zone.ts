import { parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { keyOfName, keysUpwards, nameOf } from './name.ts';
import { MOST_TTL, RecordType } from './numbers.ts';
import { type Place, Places } from './places.ts';

/** A zone whose services are answered by the nearest point of presence that is well. */
export interface ZoneDescription {
  /** e.g. `edge.example`. */
  readonly apex: string;
  /** Contact as SOA has it, e.g. `hostmaster.example`. */
  readonly mailbox: string;
  readonly serial: number;
  /** Names of the servers of the zone, with addresses where they are in it; the first one is the primary. */
  readonly servers: Readonly<Record<string, readonly string[]>>;
  /** Names that are answered with the addresses of points of presence. */
  readonly services: readonly string[];
  /** Names with addresses of their own, whoever asks: the anycast addresses of a service, say. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** Addresses by point of presence; the order is for clients of whom nothing is known. */
  readonly pops: Readonly<Record<string, readonly string[]>>;
  /** Points of presence by network, nearest first; those that are not named come after them. */
  readonly places: Readonly<Record<string, readonly string[]>>;
  /** Seconds that answers hold: how long a failed point of presence is still used. */
  readonly ttlSeconds: number;
}

/** A zone cannot be served. */
export class ZoneError extends Error {
  override readonly name = 'ZoneError';
}

/** Data of the records of one name and type. */
export type RecordSet = readonly Uint8Array[];

/** What there is at a name. */
export interface Node {
  readonly isService: boolean;
  readonly sets: ReadonlyMap<number, RecordSet>;
}

/** Addresses of a point of presence. */
export interface Pop {
  readonly a: RecordSet;
  readonly aaaa: RecordSet;
}

export interface Zone {
  readonly apexKey: string;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly pops: ReadonlyMap<string, Pop>;
  readonly places: Places;
  readonly soa: Uint8Array;
  readonly ttlSeconds: number;
}

const DAY_SECONDS = 86_400;
const SOA_NUMBERS_BYTES = 20;

const addressesOf = (texts: readonly string[]): { a: Uint8Array[]; aaaa: Uint8Array[] } => {
  const addresses = texts.map((text) => {
    const bytes = parseIpAddress(text);
    if (bytes === undefined) throw new ZoneError(`${text} is no IP address`);
    return bytes;
  });
  return { a: addresses.filter(({ length }) => length === 4), aaaa: addresses.filter(({ length }) => length === 16) };
};

/** RFC 1035 §3.3.13; nobody copies the zone, so that refresh, retry and expire are for the form. */
const soaOf = (primary: string, { mailbox, serial, ttlSeconds }: ZoneDescription): Uint8Array => {
  const names = [...nameOf(primary), ...nameOf(mailbox)];
  const data = new Uint8Array(names.length + SOA_NUMBERS_BYTES);
  data.set(names);
  const view = new DataView(data.buffer, names.length);
  for (const [i, value] of [serial, DAY_SECONDS, 3600, 14 * DAY_SECONDS, ttlSeconds].entries())
    view.setUint32(i * 4, value);
  return data;
};

const keyOf = (text: string): string => {
  const bytes = nameOf(text);
  return keyOfName(bytes, 0, bytes.length);
};

class Nodes {
  readonly nodes = new Map<string, { isService: boolean; sets: Map<number, RecordSet> }>();
  readonly #apexKey: string;

  constructor(apexKey: string) {
    this.#apexKey = apexKey;
  }

  isInside(name: string): boolean {
    return keysUpwards(keyOf(name)).includes(this.#apexKey);
  }

  /** The node of a name; names between it and the apex exist too, with nothing (RFC 4592 §2.2.2). @throws ZoneError */
  at(name: string): { isService: boolean; sets: Map<number, RecordSet> } {
    if (!this.isInside(name)) throw new ZoneError(`${name} is not in the zone`);
    for (const key of keysUpwards(keyOf(name))) {
      if (!this.nodes.has(key)) this.nodes.set(key, { isService: false, sets: new Map() });
      if (key === this.#apexKey) break;
    }
    return this.nodes.get(keyOf(name)) as { isService: boolean; sets: Map<number, RecordSet> };
  }
}

const placesOf = ({ places, pops }: ZoneDescription): Place[] =>
  Object.entries(places).map(([text, nearest]) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new ZoneError(`${text} is no prefix`);
    const unknown = nearest.find((pop) => pops[pop] === undefined);
    if (unknown !== undefined) throw new ZoneError(`${text} leads to ${unknown}, which is no point of presence`);
    return { prefix, nearest };
  });

/** @throws ZoneError, NameError */
export const compileZone = (description: ZoneDescription): Zone => {
  const { apex, servers, services, hosts = {}, pops, ttlSeconds } = description;
  const [primary] = Object.keys(servers);
  if (primary === undefined) throw new ZoneError('a zone has a server at least');
  if (Object.keys(pops).length === 0) throw new ZoneError('a zone has a point of presence at least');
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds > MOST_TTL) {
    throw new ZoneError(`ttlSeconds is from 0 to ${MOST_TTL}, not ${ttlSeconds}`);
  }
  const apexKey = keyOf(apex);
  const nodes = new Nodes(apexKey);
  const top = nodes.at(apex);
  const soa = soaOf(primary, description);
  top.sets.set(RecordType.soa, [soa]);
  top.sets.set(RecordType.ns, Object.keys(servers).map(nameOf));
  for (const [name, texts] of [...Object.entries(servers), ...Object.entries(hosts)]) {
    if (texts.length === 0) continue;
    const { a, aaaa } = addressesOf(texts);
    const { sets } = nodes.at(name);
    if (a.length > 0) sets.set(RecordType.a, a);
    if (aaaa.length > 0) sets.set(RecordType.aaaa, aaaa);
  }
  for (const service of services) {
    const node = nodes.at(service);
    if (node.sets.has(RecordType.a) || node.sets.has(RecordType.aaaa)) {
      throw new ZoneError(`${service} is a service and has addresses of its own: one of them is wrong`);
    }
    node.isService = true;
  }
  return {
    apexKey,
    nodes: nodes.nodes,
    pops: new Map(Object.entries(pops).map(([name, texts]) => [name, addressesOf(texts)])),
    places: new Places(placesOf(description)),
    soa,
    ttlSeconds,
  };
};
