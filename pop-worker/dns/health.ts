import type { FleetView } from '#control/fleet.ts';
import { popOfMeshName } from '#model/mesh.ts';

/** A worker that says nothing for so long is not led to: it reports every 5 seconds. */
const SILENT_MS = 15_000;

/** Another worker as the mesh has it. */
export interface MeshMember {
  /** In its certificate: `POP.…`, or `WORKER.POP.…`. */
  readonly name: string;
  readonly isDead: boolean;
  /** Whether it is heard at this moment. */
  readonly isHeard: boolean;
  readonly rttMs: number | undefined;
}

export interface Knowledge {
  readonly pops: readonly string[];
  /** The worker that asks. */
  readonly own: { readonly pop: string; readonly worker: string; readonly serves: boolean };
  readonly fleet: FleetView;
  readonly members: readonly MeshMember[];
}

/**
 * The PoP that a member of the mesh is in: as the control plane has named it, otherwise the one of the first two labels that is a
 * PoP. Where both are, nobody can tell which of them is the worker or the domain.
 *
 * @returns undefined: it says none of these
 */
export const popOfMember = (name: string, pops: readonly string[]): string | undefined => {
  const named = popOfMeshName(name);
  if (named !== undefined) return pops.includes(named) ? named : undefined;
  const [pop, another] = name
    .split('.')
    .slice(0, 2)
    .filter((label) => pops.includes(label));
  return another === undefined || another === pop ? pop : undefined;
};

const isServing = (pop: string, { own, fleet, members, pops }: Knowledge): boolean => {
  if (own.pop === pop && own.serves) return true;
  const ofPop = members.filter(({ name }) => popOfMember(name, pops) === pop);
  // What a majority of all workers says counts before what was said last.
  if (ofPop.length > 0 && own.pop !== pop && ofPop.every(({ isDead }) => isDead)) return false;
  const isHeard = ofPop.some((member) => member.isHeard);
  const others = fleet.workers.filter((one) => one.pop === pop && !(own.pop === pop && one.worker === own.worker));
  // Nothing is known of a PoP that says nothing and cannot be heard: then it is taken for well, as all were before.
  if (others.length === 0) return own.pop !== pop && (isHeard || !fleet.isCurrent);
  return others.some(({ serves, silentMs }) => serves && (isHeard || !fleet.isCurrent || silentMs <= SILENT_MS));
};

/** PoPs that nobody should be led to while there is another: those of which it is known that nobody serves there. */
export const unwellPops = (knowledge: Knowledge): string[] =>
  knowledge.pops.filter((pop) => !isServing(pop, knowledge));

/** The shortest round trip to each PoP that one was measured to. */
export const roundTrips = (members: readonly MeshMember[], pops: readonly string[]): ReadonlyMap<string, number> => {
  const shortest = new Map<string, number>();
  for (const { name, rttMs } of members) {
    const pop = popOfMember(name, pops);
    if (pop === undefined || rttMs === undefined) continue;
    shortest.set(pop, Math.min(rttMs, shortest.get(pop) ?? Number.POSITIVE_INFINITY));
  }
  return shortest;
};
