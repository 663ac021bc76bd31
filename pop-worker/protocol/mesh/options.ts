/** The least time of silence that counts as death, in microseconds: "max(150 ms, 3 RTT)". */
export const LEAST_WINDOW_US = 150_000;
/** Round trips of silence that count as death. */
export const WINDOW_RTTS = 3;
/** Probes that may be lost one after the other without that. */
const WINDOW_PROBES = 3;
/** Before there is a round trip time. */
export const UNKNOWN_WINDOW_US = 1_000_000;
/** No round trip is so long that its member is waited for longer. */
export const MOST_WINDOW_US = 3_000_000;

/** Between two probes to a member, where there are few members. */
export const LEAST_PROBE_US = 40_000;
/** Probes that a worker sends in a second at most, to all members together. */
export const MOST_PROBES_A_SECOND = 3000;

/** Between two probes to each member of a mesh of so many, in microseconds. */
export const probeIntervalUs = (members: number): number =>
  Math.max(LEAST_PROBE_US, ((members - 1) * 1_000_000) / MOST_PROBES_A_SECOND);

/** How long a member may be silent. @param rttUs smoothed; undefined: not known yet */
export const windowUs = (rttUs: number | undefined, intervalUs: number): number => {
  if (rttUs === undefined) return UNKNOWN_WINDOW_US;
  const long = Math.max(LEAST_WINDOW_US, WINDOW_RTTS * rttUs, WINDOW_PROBES * intervalUs);
  return Math.round(Math.min(long, MOST_WINDOW_US));
};

/** Members that are more than all others together. */
export const majorityOf = (members: number): number => Math.floor(members / 2) + 1;
