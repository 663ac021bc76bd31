/** What bounds the window besides the short-term model (draft-ietf-ccwg-bbr-06 §5.6.4.7). */
export type VolumeCap = 'none' | 'long-term' | 'headroom';

/** A row of the table in draft-ietf-ccwg-bbr-06 §5.6.1. */
export interface State {
  readonly name: string;
  readonly pacingGain: number;
  readonly cwndGain: number;
  readonly volumeCap: VolumeCap;
  /** One of the four ProbeBW states (IsInAProbeBWState). */
  readonly inProbeBandwidth: boolean;
  /** It accelerates, so loss is judged as the result of a probe and not as a sign of less bandwidth (IsProbingBW). */
  readonly probesBandwidth: boolean;
}

const state = (
  name: string,
  pacingGain: number,
  cwndGain: number,
  volumeCap: VolumeCap,
  traits: Partial<Pick<State, 'inProbeBandwidth' | 'probesBandwidth'>> = {},
): State => ({ name, pacingGain, cwndGain, volumeCap, inProbeBandwidth: false, probesBandwidth: false, ...traits });

// In Drain the table names the long-term bound and the pseudocode of §5.6.4.7 none; the pseudocode is mandatory.
export const STARTUP = state('startup', 2.77, 2, 'none', { probesBandwidth: true });
export const DRAIN = state('drain', 0.5, 2, 'none');
export const DOWN = state('probe-bw-down', 0.9, 2, 'long-term', { inProbeBandwidth: true });
export const CRUISE = state('probe-bw-cruise', 1, 2, 'headroom', { inProbeBandwidth: true });
export const REFILL = state('probe-bw-refill', 1, 2, 'long-term', { inProbeBandwidth: true, probesBandwidth: true });
export const UP = state('probe-bw-up', 1.25, 2.25, 'long-term', { inProbeBandwidth: true, probesBandwidth: true });
export const PROBE_RTT = state('probe-rtt', 1, 0.5, 'headroom');
