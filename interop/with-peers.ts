import { type CaseContext, Skip } from '#bench/suite.ts';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';

/** One proof of a case: we with one peer, in one role. */
export type Proof = {
  readonly peer: string;
  readonly ourRole: 'client' | 'server';
  run(): Promise<void>;
};

/**
 * Runs every proof, also when one fails: a line each, `completed_as_client` or `completed_as_server` with the peer's name,
 * 1 or 0. A peer that is not to be had is skipped alone; without any the case is.
 */
export const proveAll = async (proofs: readonly Proof[], context: CaseContext): Promise<Measurement[]> => {
  const lines: Measurement[] = [];
  const missing = new Map<string, string>();
  for (const { peer, ourRole, run } of proofs) {
    if (missing.has(peer)) continue;
    const line = { metric: `completed_as_${ourRole}`, unit: 'count', peer, bar: { atLeast: 1 } };
    try {
      await run();
      lines.push({ ...line, value: 1 });
    } catch (error) {
      if (error instanceof PeerMissing) missing.set(peer, error.message);
      else {
        context.remark(`${peer}, we are the ${ourRole}: ${error instanceof Error ? error.message : String(error)}`);
        lines.push({ ...line, value: 0 });
      }
    }
  }
  if (lines.length === 0) throw new Skip([...missing.values()].join(' '));
  for (const [peer, reason] of missing) context.skipPeer(peer, reason);
  return lines;
};
