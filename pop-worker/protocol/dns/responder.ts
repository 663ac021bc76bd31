import type { TimeUs } from '../contract.ts';
import type { CookieState, Cookies } from './cookies.ts';
import { keyOfName, keysUpwards } from './name.ts';
import { CLASS_IN, HEADER_BYTES, MOST_UDP_BYTES, Rcode, RecordType } from './numbers.ts';
import { Query, SILENCE } from './query.ts';
import type { RateLimit } from './rate-limit.ts';
import { NO_RECORDS, type Records, type Reply, writeResponse } from './response.ts';
import type { Node, Zone } from './zone.ts';

/** By what a query came. */
export type Transport = 'udp' | 'tcp';

/** What became of queries. */
export interface ResponderCounters {
  answered: number;
  /** There is no such name, or nothing of that type. */
  empty: number;
  refused: number;
  malformed: number;
  silent: number;
  truncated: number;
  /** Answered although no point of presence is well. */
  unwell: number;
  /** Over the limit of their network: not answered, or shortened so that it asks by TCP or with a cookie. */
  dropped: number;
  slipped: number;
  /** Came with a cookie of ours that is good. */
  cookies: number;
}

/** What keeps queries with the address of another for a sender from doing harm. */
export interface Defence {
  readonly cookies: Cookies;
  readonly limit: RateLimit;
}

const MOST_TCP_BYTES = 65_535;
/** Largest response: what `out` must have room for. */
export const MOST_RESPONSE_BYTES = MOST_TCP_BYTES;

const plain = (rcode: number): Reply => ({
  rcode,
  isAuthoritative: false,
  answer: NO_RECORDS,
  authority: NO_RECORDS,
  scopeLength: 0,
});

/**
 * Answers for some zones: services with the addresses of the nearest point of presence that is well, as EDNS client subnet
 * (RFC 7871) or the resolver's own address say. It holds no state of queries and has no deadline, so that it is a
 * function of what it is given rather than a `Core`.
 */
export class Responder {
  readonly #query = new Query();
  #zones: ReadonlyMap<string, Zone> = new Map();
  readonly #unwell = new Set<string>();
  readonly counters: ResponderCounters = {
    answered: 0,
    empty: 0,
    refused: 0,
    malformed: 0,
    silent: 0,
    truncated: 0,
    unwell: 0,
    dropped: 0,
    slipped: 0,
    cookies: 0,
  };
  readonly #defence: Defence | undefined;

  /** @param defence undefined: all are answered, and no cookies given out */
  constructor(zones: readonly Zone[], defence?: Defence) {
    this.#defence = defence;
    this.setZones(zones);
  }

  /** From now on; what is known of points of presence stays. */
  setZones(zones: readonly Zone[]): void {
    this.#zones = new Map(zones.map((zone) => [zone.apexKey, zone]));
  }

  get zoneCount(): number {
    return this.#zones.size;
  }

  /** A point of presence that is not well is led to only when none is. */
  setWell(pop: string, isWell: boolean): void {
    if (isWell) this.#unwell.delete(pop);
    else this.#unwell.add(pop);
  }

  /**
   * @param from address that the query came from, 4 or 16 bytes
   * @param out room for the response
   * @returns bytes of the response; 0: there is none
   */
  answer(
    bytes: Uint8Array,
    length: number,
    from: Uint8Array,
    transport: Transport,
    now: TimeUs,
    out: Uint8Array,
  ): number {
    const query = this.#query;
    const fault = query.read(bytes, length);
    if (fault === SILENCE) {
      this.counters.silent++;
      return 0;
    }
    const cookie = this.#cookieOf(bytes, from);
    const most = transport === 'tcp' ? MOST_TCP_BYTES : Math.min(query.udpBytes, MOST_UDP_BYTES);
    const jar = this.#defence && { cookies: this.#defence.cookies, to: from };
    if (transport === 'udp' && cookie !== 'valid') {
      const verdict = this.#defence?.limit.take(from, now);
      if (verdict === 'drop') {
        this.counters.dropped++;
        return 0;
      }
      if (verdict === 'slip') {
        this.counters.slipped++;
        // Who has cookies comes again with the new one, others by TCP.
        const isCookieUser = cookie === 'client';
        const reply = plain(isCookieUser ? Rcode.badCookie : Rcode.noError);
        return writeResponse(bytes, query, reply, out, isCookieUser ? most : 0, jar);
      }
    }
    const reply = fault === Rcode.noError ? this.#reply(bytes, from) : plain(fault);
    if (fault !== Rcode.noError) this.counters.malformed++;
    const size = writeResponse(bytes, query, reply, out, most, jar);
    if (((out[2] as number) & 2) !== 0) this.counters.truncated++;
    return size;
  }

  #cookieOf(bytes: Uint8Array, from: Uint8Array): CookieState {
    const { cookieAt, cookieBytes } = this.#query;
    if (cookieBytes === 0 || this.#defence === undefined) return 'none';
    const state = this.#defence.cookies.judge(bytes, cookieAt, cookieBytes, from);
    if (state === 'valid') this.counters.cookies++;
    return state;
  }

  #reply(bytes: Uint8Array, from: Uint8Array): Reply {
    const { nameAt, nameEnd, class: of } = this.#query;
    const key = keyOfName(bytes, nameAt, nameEnd);
    const zone = of === CLASS_IN ? this.#zoneOf(key) : undefined;
    if (zone === undefined) {
      this.counters.refused++;
      return plain(Rcode.refused);
    }
    const node = zone.nodes.get(key);
    if (node === undefined) return this.#empty(zone, key, Rcode.nxDomain, 0);
    return node.isService ? this.#service(zone, key, node, from) : this.#fixed(zone, key, node);
  }

  /** The nearest one above the name. */
  #zoneOf(key: string): Zone | undefined {
    for (const above of keysUpwards(key)) {
      const zone = this.#zones.get(above);
      if (zone !== undefined) return zone;
    }
    return undefined;
  }

  /** Nothing, and how long that holds (RFC 2308 §3). */
  #empty(zone: Zone, key: string, rcode: number, scopeLength: number): Reply {
    this.counters.empty++;
    const { apexKey, soa, ttlSeconds } = zone;
    const ownerAt = HEADER_BYTES + key.length - apexKey.length;
    const authority: Records = { ownerAt, type: RecordType.soa, ttlSeconds, data: [soa] };
    return { rcode, isAuthoritative: true, answer: NO_RECORDS, authority, scopeLength };
  }

  #fixed(zone: Zone, key: string, { sets }: Node): Reply {
    const asked = this.#query.type;
    // RFC 8482 §4.1: of what there is, one set.
    const [type = 0, data] = asked === RecordType.any ? ([...sets][0] ?? []) : [asked, sets.get(asked)];
    if (data === undefined) return this.#empty(zone, key, Rcode.noError, 0);
    return this.#found(zone, type, data, 0);
  }

  #found(zone: Zone, type: number, data: Records['data'], scopeLength: number): Reply {
    this.counters.answered++;
    const answer: Records = { ownerAt: HEADER_BYTES, type, ttlSeconds: zone.ttlSeconds, data };
    return { rcode: Rcode.noError, isAuthoritative: true, answer, authority: NO_RECORDS, scopeLength };
  }

  #service(zone: Zone, key: string, { sets }: Node, from: Uint8Array): Reply {
    const asked = this.#query.type;
    const fixed = sets.get(asked);
    if (fixed !== undefined) return this.#found(zone, asked, fixed, 0);
    const type = asked === RecordType.any ? RecordType.a : asked;
    if (type !== RecordType.a && type !== RecordType.aaaa) return this.#empty(zone, key, Rcode.noError, 0);
    const { subnet } = this.#query;
    const { nearest = [], scopeLength } = zone.places.find(subnet.tellsClient ? subnet.network() : from);
    const data = this.#nearest(zone, nearest, type);
    const scope = subnet.tellsClient ? scopeLength : 0;
    return data === undefined ? this.#empty(zone, key, Rcode.noError, scope) : this.#found(zone, type, data, scope);
  }

  /** Of those that have addresses of that type, the first that is well, or else the first. */
  #nearest({ pops }: Zone, order: readonly string[], type: number): Records['data'] | undefined {
    let first: Records['data'] | undefined;
    for (const names of [order, pops.keys()]) {
      for (const name of names) {
        const pop = pops.get(name);
        const data = type === RecordType.a ? pop?.a : pop?.aaaa;
        if (data === undefined || data.length === 0) continue;
        if (!this.#unwell.has(name)) return data;
        first ??= data;
      }
    }
    if (first !== undefined) this.counters.unwell++;
    return first;
  }
}
