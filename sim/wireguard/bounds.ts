/**
 * On a calm network a packet that was sent since the first that wants out has arrived after so long: an initiation that
 * was lost before is repeated after 5.333 s at most, a session takes a round trip, data half of one.
 */
export const FLOW_US = 6e6;

/** Keys of 120 s are replaced after so long at most, for the same reason. */
export const REKEY_US = 6e6;

/** One way, at least and at most; on a calm network nothing takes longer. */
export const NEAREST_US = 20_000;
export const FARTHEST_US = 60_000;

/** Datagrams that are put off come up to so much later. */
export const MOST_DISORDER_US = 5e6;

/** What was on its way is expired, keys of 180 s, whenever it is brought again. */
export const EXPIRED_US = 181e6;

/** After so long a silence all timers have ended: 15 s for an answer, 90 s of attempts, 540 s until keys are wiped. */
export const SILENCE_US = 700e6;

/** Of the persistent keepalive, as `wg` users set it. */
export const KEEPALIVE_S = 25;
