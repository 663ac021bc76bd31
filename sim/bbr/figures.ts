import type { Bar, Measurement } from '#telemetry/measurement.ts';
import { type FlowOutcome, type FlowSpec, type Outcome, type PathSpec, runExperiment } from '../experiment.ts';

/** A full IP packet. */
const PACKET_BITS = 1500 * 8;

export const BBR: FlowSpec = { controller: 'bbrv3' };
export const CUBIC: FlowSpec = { controller: 'cubic' };

/** @param count how many flows like it */
export const times = (count: number, flow: FlowSpec): FlowSpec[] => Array.from({ length: count }, () => flow);

export interface Timing {
  readonly seconds: number;
  /** What happens before is not measured. */
  readonly warmUpSeconds: number;
}

export const measure = (seed: number, path: PathSpec, flows: readonly FlowSpec[], timing: Timing): Outcome =>
  runExperiment({ path, flows, seed, ...timing });

/** RTprop in ms: the round trip of a full packet that meets no queue. */
export const propagationMs = ({ mbit, rttMs }: PathSpec): number => rttMs + PACKET_BITS / (mbit * 1000);

/** F = (mean RTT − RTprop) / RTprop: the queue that a flow makes for itself. */
export const queueFactor = (path: PathSpec, { recorder }: FlowOutcome): number => {
  const least = propagationMs(path);
  return (recorder.delays.mean / 1000 + path.rttMs / 2 - least) / least;
};

export const p99Ms = ({ recorder }: FlowOutcome): number => recorder.delays.quantile(0.99) / 1000;

const DIGITS = 4;

export const figure = (metric: string, value: number, unit: string, bar?: Bar, peer?: string): Measurement => ({
  metric,
  value: Number(value.toPrecision(DIGITS)),
  unit,
  ...(bar !== undefined && { bar }),
  ...(peer !== undefined && { peer }),
});

export const atLeast = (value: number): Bar => ({ atLeast: value });
export const atMost = (value: number): Bar => ({ atMost: value });

/** The first flow of an outcome. */
export const first = ({ flows }: Outcome): FlowOutcome => {
  const [flow] = flows;
  if (flow === undefined) throw new RangeError('an experiment without flows');
  return flow;
};

/** Mbit/s of a flow in a stretch of its history. */
export const mbitBetween = ({ recorder }: FlowOutcome, fromSeconds: number, toSeconds: number): number => {
  const bytes = recorder.bins.slice(fromSeconds * 10, toSeconds * 10).reduce((sum, bin) => sum + bin, 0);
  return (bytes * 8) / (toSeconds - fromSeconds) / 1e6;
};
