/** Constants of BBRv3 (draft-ietf-ccwg-bbr-06 §2.5 to §2.16). Gains have no unit, times are microseconds. */

/** §2.8, BBR.LossThresh: the share of lost bytes of a round trip that a probe for bandwidth may cost. */
export const LOSS_THRESHOLD = 0.02;
/** §2.8, BBR.Beta: no reaction to loss cuts deeper in one round trip. */
export const BETA = 0.7;
/** §2.8, BBR.Headroom: the share of the long-term bound that is left to others. */
export const HEADROOM = 0.15;
/** §2.8, BBR.MinPipeCwnd, in datagrams. */
export const MIN_PIPE_DATAGRAMS = 4;
/** §2.5, BBR.PacingMarginPercent, as a factor: on average a little less than the bandwidth is sent. */
export const PACING_MARGIN = 0.99;
/** §5.6.3: a send quantum lasts so long at the pacing rate. */
export const QUANTUM_US = 1000;

/** §5.3.1.2: growth below this factor in so many rounds is a plateau. */
export const FULL_BANDWIDTH_GROWTH = 1.25;
export const FULL_BANDWIDTH_ROUNDS = 3;
/** §5.3.1.3, BBRStartupFullLossCnt: separate ranges of packet numbers that must be lost in a round. */
export const STARTUP_LOSS_RANGES = 6;
/** §5.3.2: Drain gives up after more rounds than this. */
export const DRAIN_ROUNDS = 3;

/** §5.3.3.8.2: a probe for bandwidth comes after two to three seconds… */
export const PROBE_WAIT_US = 2_000_000;
export const PROBE_WAIT_SPREAD_US = 1_000_000;
/** …or after as many rounds as a Reno flow would need to regain a halved window, at most so many. */
export const PROBE_ROUNDS = 63;
/** §5.3.3.9: the long-term bound grows by at most 2^30 datagrams a round. */
export const PROBE_UP_ROUNDS = 30;

/** §2.12, BBR.ExtraAckedFilterLen, in rounds; one round in Startup (§5.5.9). */
export const EXTRA_ACKED_ROUNDS = 10;
export const EXTRA_ACKED_STARTUP_ROUNDS = 1;

/** §2.16.1, BBR.MinRTTFilterLen. */
export const MIN_RTT_US = 10_000_000;
/** §2.16.2, BBR.ProbeRTTInterval; every flow MUST use it (§5.3.4.2), so that flows drain the queue together. */
export const PROBE_RTT_INTERVAL_US = 5_000_000;
/** §2.16.2, BBR.ProbeRTTDuration. */
export const PROBE_RTT_DURATION_US = 200_000;

/** §5.6.2: stands for the round trip before any was measured. */
export const NOMINAL_RTT_US = 1000;
