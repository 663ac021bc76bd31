/** What a case needs of a neighbour, whichever program it is. */

export type FamilyName = 'ipv4-unicast' | 'ipv6-unicast' | 'ipv4-flow';

/** A route, in words that are the same for all: communities are sorted and parted by spaces. */
export interface PlainRoute {
  readonly prefix: string;
  /** AS numbers parted by spaces. */
  readonly asPath: string;
  readonly nextHop: string;
  /** Empty where there is none, as of all that follow. */
  readonly med: string;
  readonly communities: string;
  readonly largeCommunities: string;
  /** `rt:64500:1`, or 0x and eight bytes. */
  readonly extendedCommunities: string;
  readonly onlyToCustomer: string;
  /** Of who reflects it (RFC 4456). */
  readonly originator: string;
  readonly clusterList: string;
}

/** A route that a neighbour begins. */
export interface Announced {
  readonly prefix: string;
  readonly med?: number;
  readonly communities?: readonly string[];
  readonly largeCommunities?: readonly string[];
  /** Communities that are added where it leaves: such as its own speaker would act on. */
  readonly toldWith?: readonly string[];
  /** Of route targets, `64500:1`. */
  readonly routeTargets?: readonly string[];
  /** Behind its own AS. */
  readonly asPath?: readonly number[];
  /** A flow specification: what reaches this port of the prefix is dropped. */
  readonly dropPort?: number;
}

/** How it is our neighbour over one session. */
export interface PeerSession {
  /** Family of the addresses. */
  readonly over: 4 | 6;
  readonly families: readonly FamilyName[];
  readonly holdSeconds?: number;
  readonly addPath?: boolean;
  readonly gracefulRestart?: boolean;
  /** Of its restart; 60 where nothing is said. */
  readonly restartSeconds?: number;
  /** And for so long its routes are kept after that (RFC 9494). */
  readonly longLivedSeconds?: number;
  readonly role?: 'provider' | 'customer';
  readonly password?: string;
  readonly gtsm?: boolean;
  /** So far away it is; 1 where nothing is said. */
  readonly hops?: number;
  /** Of so many families, none of which is ours, that its OPEN has the long form of optional parameters (RFC 9072). */
  readonly extendedOpen?: boolean;
  readonly extendedNextHop?: boolean;
  readonly extendedMessages?: boolean;
  /** Milliseconds between packets of BFD, 3 times of which are its end. */
  readonly bfdMs?: number;
}

export interface PeerSetup {
  readonly sessions: readonly PeerSession[];
  readonly routes: readonly Announced[];
  /** It tells of routes that come from a start before it was ended. */
  readonly isRestarted?: boolean;
}

/** Where it is. */
export interface PeerEnd {
  readonly name: 'BIRD' | 'FRR' | 'GoBGP';
  readonly as: number;
  readonly four: string;
  readonly six: string;
  readonly namespace: string;
}

/** One that runs. */
export interface Peer {
  readonly pid: number;
  /** What it says of a session: whether it is established, and everything for remarks. */
  session(over: 4 | 6): Promise<{ readonly isEstablished: boolean; readonly said: string }>;
  /** The routes that it has from us. */
  routes(over: 4 | 6, family: FamilyName): Promise<readonly PlainRoute[]>;
  /** How many of them. */
  count(over: 4 | 6, family: FamilyName): Promise<number>;
  /** Has these routes from now on, and no others. */
  announce(routes: readonly Announced[]): Promise<void>;
  /** Asks us for all our routes again (RFC 2918). */
  askRefresh(over: 4 | 6): Promise<void>;
  /** Ends a session with a text for our operators (RFC 9003), and keeps it so. */
  shutDown(over: 4 | 6, text: string): Promise<void>;
  /** All that it has heard of how sessions ended, in its own words. */
  heard(over: 4 | 6): Promise<string>;
  /** Ends a session, and begins again. */
  restart(over: 4 | 6): Promise<void>;
}

export const FAMILY_OF = { 4: 'ipv4-unicast', 6: 'ipv6-unicast' } as const;

export const OUR_AS = 64_512;
/** Ours, on the other side of the link. */
export const OURS = { four: '192.0.2.2', six: '2001:db8::2' } as const;

export const sorted = (values: Iterable<string>): string => [...values].toSorted().join(' ');

/** All that it is told with. */
export const communitiesOf = ({ communities = [], toldWith = [] }: Announced): readonly string[] => [
  ...communities,
  ...toldWith,
];
