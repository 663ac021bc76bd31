import { windowUs } from '#protocol/mesh/options.ts';
import { TAKEOVER_US } from '#protocol/mesh/presence/claims.ts';
import { IDLE_US, RECONNECT_US } from '#protocol/mesh/testing/network.ts';
import { FARTHEST_US } from './geography.ts';

/** How often it is looked at whether devices are served. */
export const TICK_US = 25_000;
/** …and whether two workers deliver to one. */
export const FINE_TICK_US = 5_000;
/** A device whose packets nothing answers for so long begins a new connection, by a ticket. */
export const GIVE_UP_US = 1_000_000;
/** Whoever has a session stops sending to it when it does not answer for max(this, 3 RTT). */
export const UNANSWERED_US = 150_000;

const RTT_US = 2 * FARTHEST_US;

/**
 * No device is without service for longer after the network led it elsewhere for the last time: it gives up, handshakes
 * (twice, where the worker did not answer), and is served once whoever had it confirms, or need not be waited for any more.
 */
export const OUTAGE_US = GIVE_UP_US + 2 * RTT_US + TAKEOVER_US + 2 * TICK_US;

/** Digests of five levels, HAVE, WANT and UPDATE: each one way. */
const COMPARISON_US = 8 * FARTHEST_US;
const LONGEST_RECONNECT_US = 1.5 * RECONNECT_US;

/**
 * Two served devices reach each other, through a third worker where need be, after: silence is noticed, a link is made,
 * tables are compared.
 */
export const HOLE_US = windowUs(RTT_US, 0) + LONGEST_RECONNECT_US + COMPARISON_US;

/** Comparisons begin again so late at most. */
const COMPARE_US = 3_000_000;
/** Idle connections are noticed by a look each quarter. */
const NOTICED_IDLE_US = 1.25 * IDLE_US;

/** After all is whole again all tables are the same, and each device is at one worker. */
export const EQUAL_US = NOTICED_IDLE_US + LONGEST_RECONNECT_US + COMPARE_US + COMPARISON_US;
