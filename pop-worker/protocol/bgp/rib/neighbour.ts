import type { UpdateRules } from '../wire/update-rules.ts';
import type { WriteRules } from '../wire/update-writer.ts';
import type { Member } from './member.ts';
import type { RoutePolicy } from './route-policy.ts';

/** How routes of a neighbour are taken, and which are sent to it. */
export interface NeighbourSettings {
  readonly as: number;
  /** Ours, towards it. */
  readonly localAs: number;
  /** 4 or 16 bytes; the lowest wins between routes that are equal in all else (RFC 4271 §9.1.2.2 g). */
  readonly address: Uint8Array;
  readonly importPolicy: RoutePolicy;
  /** Neighbours that have the same one, and are alike in the rest, are told the same. */
  readonly exportPolicy: RoutePolicy;
  /** An internal neighbour whose routes go to all others, and that is sent those of all others (RFC 4456 §6). */
  readonly isReflectorClient: boolean;
  /** We are a route server for it: AS_PATH, next hop and MULTI_EXIT_DISC stay as they are (RFC 7947 §2.2). */
  readonly isServed: boolean;
  /** An internal neighbour is sent our address as the next hop; others are, unless they are served. */
  readonly setsNextHop: boolean;
  /** Paths that are taken of it, by family; more end the session (RFC 4486 §4). A family that is not here has no limit. */
  readonly limits: readonly PathLimit[];
  /** What unicast routes say of its flow specifications (RFC 8955 §6): decides; of those that are about any destination, nothing; nothing at all. */
  readonly flowValidation: 'full' | 'any-destination' | 'none';
}

export interface PathLimit {
  readonly family: number;
  readonly paths: number;
}

/** Paths of one destination that are taken of a neighbour that sends several (RFC 7911): more end the session too. */
export const MAX_PATHS_OF_DESTINATION = 32;

/** What of an established session decides which routes go over it, and how. */
export interface RibSession {
  readonly remoteIdentifier: number;
  readonly families: readonly number[];
  readonly rules: UpdateRules;
  readonly writeRules: WriteRules;
  /** Bytes of a message. */
  readonly largestSent: number;
  readonly enhancedRouteRefresh: boolean;
  readonly longLived: readonly { readonly family: number }[];
  /** What the neighbour says of its restarts (RFC 4724 §3), when we help with them. */
  readonly gracefulRestart: object | undefined;
  /** Ours (RFC 9234 §4.1), of a session with an external neighbour. */
  readonly localRole: number | undefined;
}

/** Our addresses, as next hops for one neighbour; what is absent is never its next hop. */
export interface LocalAddresses {
  /** 4 bytes. */
  readonly ipv4?: Uint8Array;
  /** 16 bytes, or 32 with a link-local address behind (RFC 2545 §3). */
  readonly ipv6?: Uint8Array;
}

/** A neighbour as the RIB knows it. */
export class Neighbour {
  readonly index: number;
  settings: NeighbourSettings;
  readonly isExternal: boolean;
  session: RibSession | undefined;
  /** Slot of the family that is told next. */
  turn = 0;
  local: LocalAddresses = {};
  /** BGP identifier, and our role, of the last session: what stays of it is judged by them. */
  identifier = 0;
  localRole: number | undefined;
  /** By slot of the family: it has told all that it had when the session began (RFC 4724 §4.2). */
  readonly hasEnded: boolean[] = [];
  /** By slot: paths that are kept, those of them that import has taken, and what it is told. */
  readonly paths: number[] = [];
  readonly accepted: number[] = [];
  readonly limits: number[] = [];
  readonly members: (Member | undefined)[] = [];

  constructor(index: number, settings: NeighbourSettings) {
    this.index = index;
    this.settings = settings;
    this.isExternal = settings.as !== settings.localAs;
  }
}
