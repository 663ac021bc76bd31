import { endingText } from '#protocol/bgp/fsm/ending.ts';
import type { Neighbour } from '#protocol/bgp/fsm/neighbour.ts';
import { STATE_NAMES, type StateName } from '#protocol/bgp/fsm/state.ts';
import type { FamilyCounts } from '#protocol/bgp/rib/inspect.ts';
import { familyName } from '#protocol/bgp/wire/families.ts';
import type { TimeUs } from '#protocol/contract.ts';
import { formatIpv4 } from './router-id.ts';
import type { BgpNeighbourConfig } from './setup.ts';

/** By type, as in `MessageType`. */
const MESSAGES = ['', 'open', 'update', 'notification', 'keepalive', 'route_refresh'] as const;

export type MessageCounts = Readonly<Record<string, number>>;

/** How a neighbour is, for `cloudbridge bgp status`. */
export interface NeighbourStatus {
  readonly name: string;
  readonly address: string;
  readonly localAs: number;
  readonly remoteAs: number;
  readonly state: StateName;
  readonly enabled: boolean;
  /** Sessions that there were. */
  readonly sessions: number;
  /** Seconds that the session is there. */
  readonly upSeconds?: number;
  /** Seconds until it may have another session, for it was lost too often. */
  readonly heldBackSeconds?: number;
  /** Why the last attempt came to no connection, or why the last connection ended. */
  readonly lastError?: string;
  /** How its last session ended; attempts since then are not counted. */
  readonly lastSession?: { readonly reason: string; readonly endedSecondsAgo: number };
  /** The path to it, as BFD has it; `unopened`: there was no connection yet, or BFD cannot be had. Absent: it wants none. */
  readonly bfd?: { readonly state: string; readonly detectionMs: number } | undefined;
  /** Families of which it was not told routes, for no address of ours can be the next hop. */
  readonly noNextHop?: readonly string[];
  readonly received: MessageCounts;
  readonly sent: MessageCounts;
  /** By family, of those that there are: paths that are kept, taken by policy, announced to it, still to be announced. */
  readonly routes: Readonly<Record<string, Omit<FamilyCounts, 'family'>>>;
  readonly session?: {
    readonly routerId: string;
    readonly holdSeconds: number;
    readonly families: readonly string[];
    readonly addPathReceive: readonly string[];
    readonly addPathSend: readonly string[];
    readonly asBytes: 2 | 4;
    readonly largestMessage: number;
    readonly routeRefresh: boolean;
    readonly enhancedRouteRefresh: boolean;
    readonly gracefulRestart: boolean;
    readonly remoteRole?: number;
  };
}

const countsOf = (counts: Float64Array, at: number): MessageCounts =>
  Object.fromEntries(MESSAGES.flatMap((name, type) => (name === '' ? [] : [[name, counts[at + type] as number]])));

/** @param counts of messages: received by type, then sent by type */
export const statusOf = (
  config: BgpNeighbourConfig,
  neighbour: Neighbour,
  counts: Float64Array,
  routes: readonly FamilyCounts[],
  now: TimeUs,
): NeighbourStatus => {
  const negotiated = neighbour.session?.negotiated;
  const { lastEnding, lastSession } = neighbour;
  return {
    name: config.name,
    address: config.address,
    localAs: neighbour.settings.localAs,
    remoteAs: neighbour.settings.remoteAs,
    state: STATE_NAMES[neighbour.state],
    enabled: neighbour.isEnabled,
    sessions: neighbour.sessions,
    ...(negotiated !== undefined && { upSeconds: Math.floor((now - neighbour.upSince) / 1e6) }),
    ...(neighbour.heldUntil > now && { heldBackSeconds: Math.ceil((neighbour.heldUntil - now) / 1e6) }),
    ...(lastEnding !== undefined && { lastError: endingText(lastEnding) }),
    ...(lastSession !== undefined && {
      lastSession: {
        reason: endingText(lastSession.ending),
        endedSecondsAgo: Math.floor((now - lastSession.at) / 1e6),
      },
    }),
    received: countsOf(counts, 0),
    sent: countsOf(counts, MESSAGES.length),
    routes: Object.fromEntries(
      routes
        .filter(({ received, told, pending }) => received + told + pending > 0)
        .map(({ family, ...rest }) => [familyName(family), rest]),
    ),
    ...(negotiated !== undefined && {
      session: {
        routerId: formatIpv4(negotiated.remoteIdentifier),
        holdSeconds: negotiated.holdTimeS,
        families: negotiated.families.map(familyName),
        addPathReceive: negotiated.rules.pathIdFamilies.map(familyName),
        addPathSend: negotiated.writeRules.pathIdFamilies.map(familyName),
        asBytes: negotiated.rules.asBytes,
        largestMessage: negotiated.largestSent,
        routeRefresh: negotiated.routeRefresh,
        enhancedRouteRefresh: negotiated.enhancedRouteRefresh,
        gracefulRestart: negotiated.gracefulRestart !== undefined,
        ...(negotiated.remoteRole !== undefined && { remoteRole: negotiated.remoteRole }),
      },
    }),
  };
};

/** Where a message is counted. */
export const countAt = (type: number, isSent: boolean): number => (isSent ? MESSAGES.length : 0) + type;

export const COUNTS = 2 * MESSAGES.length;
