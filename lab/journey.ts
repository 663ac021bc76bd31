import { findBird, findWireguardClient } from '#scripts/setup/debian-peers.mjs';
import { InstallationError } from '#services/installation/errors.ts';
import { type Measurement, meetsBar } from '#telemetry/measurement.ts';
import type { Acknowledged } from './acknowledged.ts';
import type { Bird } from './bird.ts';
import type { Edge } from './edge.ts';
import { FigureError, LabError } from './errors.ts';
import { Lab, logFolder } from './lab.ts';
import type { OutsideAccess } from './outside.ts';
import type { Routing } from './topology.ts';
import type { WireGuardClient } from './wireguard/client.ts';

/** What a step of the journey has at hand. */
export class Journey {
  readonly name: string;
  readonly pops: number;
  readonly on: 'namespaces' | 'loopback';
  /** Without BIRD the lab lays the routes to the anycast addresses itself. */
  readonly routing: Routing;
  /** What is to be shown once everything is up: a label and an address or secret. */
  readonly endpoints: { readonly label: string; readonly value: string }[] = [];
  /** For programs of the machine, once they can reach it. */
  access: OutsideAccess | undefined;
  /** What the API had answered for when the control plane was lost. */
  acknowledged: Acknowledged = new Map();
  #lab: Lab | undefined;
  #edge: Edge | undefined;
  /** Once it runs; there is none where routing is static. */
  bird: Bird | undefined;
  /** Once it is set up; there is none where it was left out. */
  wireguard: WireGuardClient | undefined;

  /** @param isStatic routes to the PoPs are laid although there is BIRD */
  constructor(name: string, pops: number, on: Journey['on'] = 'namespaces', isStatic = false) {
    this.name = name;
    this.pops = pops;
    this.on = on;
    this.routing = on === 'namespaces' && !isStatic && findBird() !== undefined ? 'bgp' : 'static';
  }

  get lab(): Lab {
    if (this.#lab === undefined) throw new LabError('The lab is not up yet: its step must come first.');
    return this.#lab;
  }

  get edge(): Edge {
    if (this.#edge === undefined) throw new LabError('The edge is not up yet: its step must come first.');
    return this.#edge;
  }

  set edge(edge: Edge) {
    this.#edge = edge;
  }

  /** Is there a lab of ours to end? */
  get isUp(): boolean {
    return this.#lab !== undefined;
  }

  async raise(): Promise<void> {
    this.#lab = await Lab.create(this.name, this.pops, this.on, this.routing);
  }

  /** Ends the lab, if it is up. Twice is once. @returns what of it is still there */
  async lower(): Promise<string[]> {
    const lab = this.#lab;
    this.#lab = undefined;
    await lab?.destroy();
    return lab?.remains() ?? [];
  }
}

/** One thing that the journey does and what it measured; throws where it could not be done. */
export type Step = {
  /** The `case` of its metric lines. */
  readonly name: string;
  readonly title: string;
  /** Whether the edge needs it to be up; the others only show what it does. */
  readonly essential?: boolean;
  /** With fewer PoPs it has nothing to show and is skipped. */
  readonly leastPops?: number;
  /** Why it cannot be shown without namespaces. */
  readonly needsNamespaces?: string;
  /** It shows what PoPs tell a router. */
  readonly needsBgp?: boolean;
  /** It shows a client that is none of ours. */
  readonly needsWireGuardClient?: boolean;
  run(journey: Journey): Promise<Measurement[]>;
};

export type StepOutcome = {
  readonly step: Pick<Step, 'name' | 'title'>;
  readonly measurements: readonly Measurement[];
  /** Why it was not run, for people. */
  readonly skipped?: string;
  /** Cause, for people; absent where the step did all that it does. */
  readonly failure?: string;
  /** The first figure that missed its bar, for people. */
  readonly missed?: string;
  /** Where more can be read; absent where this lab has written nothing. */
  readonly logFile?: string;
};

/** Why nobody speaks BGP in a lab. */
export const NO_BIRD = 'without BIRD the lab lays static routes to the PoPs';

/** Why no stock WireGuard client is shown. */
export const NO_WIREGUARD_CLIENT =
  'the stock WireGuard client is left out: there is no wireguard-go here, which `npm start` fetches as root on Debian';

const missedBar = ({ metric, value, unit, bar }: Measurement): string | undefined => {
  if (bar === undefined || meetsBar(value, bar)) return undefined;
  const limit = 'atMost' in bar ? `at most ${bar.atMost}` : `at least ${bar.atLeast}`;
  return `${metric} is ${value} ${unit} where ${limit} is required`;
};

const runStep = async (step: Step, journey: Journey): Promise<StepOutcome> => {
  const { leastPops = 0, needsNamespaces, needsBgp, needsWireGuardClient } = step;
  if (journey.on === 'loopback' && needsNamespaces !== undefined)
    return { step, measurements: [], skipped: needsNamespaces };
  if (journey.pops < leastPops) return { step, measurements: [], skipped: `it takes ${leastPops} PoPs` };
  if (journey.routing === 'static' && needsBgp) return { step, measurements: [], skipped: NO_BIRD };
  if (needsWireGuardClient && findWireguardClient() === undefined)
    return { step, measurements: [], skipped: NO_WIREGUARD_CLIENT };
  const wasUp = journey.isUp;
  try {
    const measurements = await step.run(journey);
    const missed = measurements.map(missedBar).find((text) => text !== undefined);
    return { step, measurements, ...(missed !== undefined && { missed, logFile: logFolder(journey.name) }) };
  } catch (error) {
    const forPeople = error instanceof LabError || error instanceof InstallationError;
    const failure = forPeople ? error.message : String(error instanceof Error ? error.stack : error);
    const own = wasUp || journey.isUp ? logFolder(journey.name) : undefined;
    const logFile = (error instanceof LabError && error.logFile) || own;
    const measurements = error instanceof FigureError ? error.measurements : [];
    return { step, measurements, failure, ...(logFile !== undefined && { logFile }) };
  }
};

/** How steps went. */
export interface StepsResult {
  /** Each did all that it does; none failed, and nobody stopped them. */
  readonly completed: boolean;
  /** …and no figure missed its bar. */
  readonly met: boolean;
}

/**
 * Runs steps in order until one fails or `stopped` says so; tells each outcome. A missed bar stops nothing, since what
 * comes after does not depend on a figure.
 */
export const runSteps = async (
  steps: readonly Step[],
  journey: Journey,
  tell: (outcome: StepOutcome) => void,
  stopped: () => boolean = () => false,
): Promise<StepsResult> => {
  let met = true;
  for (const step of steps) {
    if (stopped()) return { completed: false, met };
    const outcome = await runStep(step, journey);
    tell(outcome);
    if (outcome.failure !== undefined) return { completed: false, met };
    met &&= outcome.missed === undefined;
  }
  return { completed: true, met };
};

/** The last step, whatever came before: everything ends, and nothing is left. */
export const TEARDOWN: Step = {
  name: 'teardown',
  title: 'everything removed',
  run: async (journey) => {
    const start = performance.now();
    const left = await journey.lower();
    if (left.length > 0) throw new LabError(`Still there after the end: ${left.join(', ')}.`);
    return [
      { metric: 'duration', value: Math.round(performance.now() - start), unit: 'ms' },
      { metric: 'left_behind', value: left.length, unit: 'count', bar: { atMost: 0 } },
    ];
  },
};
