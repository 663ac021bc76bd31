import type { HopSets } from './hop-sets.ts';
import type { RouteColumns } from './route-columns.ts';
import type { RouteWriter } from './route-writer.ts';
import type { Steering } from './steering.ts';

/** How routes of ours are in the kernel. */
export interface KernelRoutesStatus {
  readonly routes: {
    readonly wanted: number;
    readonly installed: number;
    /** Something that is not ours lies in their place. */
    readonly conflicting: number;
    readonly refused: number;
    readonly waiting: number;
  };
  readonly rules: { readonly wanted: number; readonly installed: number; readonly refused: number };
  readonly nextHops: {
    readonly installed: number;
    /** Sets that routes want and by which no packet can leave. */
    readonly unreachable: number;
    /** Hops of sets that routes want, by which no packet can leave, as `192.0.2.1 at eth1: no such device`. */
    readonly missing: readonly string[];
  };
  readonly changes: { readonly added: number; readonly replaced: number; readonly removed: number };
  /** How often somebody else had removed or changed what is ours. */
  readonly repairs: number;
  /** How often the kernel could not tell us all (ENOBUFS). */
  readonly overruns: number;
  /** How often everything of ours in the kernel was compared. */
  readonly checks: number;
  /** All that is wanted has been said, and what else there was of ours is gone. */
  readonly complete: boolean;
  readonly lastRefusal: string | undefined;
}

export const statusOf = (
  parts: {
    readonly sets: HopSets;
    readonly columns: RouteColumns;
    readonly writer: RouteWriter;
    readonly steering: Steering;
  },
  counts: Pick<KernelRoutesStatus, 'repairs' | 'overruns' | 'checks' | 'complete'>,
): KernelRoutesStatus => {
  const { sets, columns, writer, steering } = parts;
  const { added, replaced, removed, lastRefusal } = writer;
  const all = sets.all();
  const refusedHop = [...sets.hops()].find(({ refusal }) => refusal !== undefined);
  const refusedRule = [...steering.refusals.values()][0];
  return {
    routes: {
      wanted: columns.wanted,
      installed: columns.installed,
      conflicting: columns.conflicts,
      refused: columns.refused,
      waiting: columns.queued,
    },
    rules: { ...steering.counts, refused: steering.refusals.size },
    nextHops: {
      installed: all.filter((set) => sets.isPresent(set)).length,
      missing: sets.missing(),
      unreachable: all.filter(({ uses, leads }) => uses > 0 && !leads).length,
    },
    changes: { added, replaced, removed },
    ...counts,
    lastRefusal: refusedHop?.refusal ?? refusedRule ?? (columns.refused > 0 ? lastRefusal : undefined),
  };
};
