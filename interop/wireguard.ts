import { type CaseContext, Skip, type SuiteCase } from '#bench/suite.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Proof } from './wireguard/cases/proof.ts';
import { CASES } from './wireguard/cases/table.ts';
import { PEERS, type PeerName } from './wireguard/implementations.ts';

/** A line for each peer: `agreed`, 1 or 0. One that is not to be had is skipped alone; without any the case is. */
const prove = async (proof: Proof, peers: readonly PeerName[], context: CaseContext): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const lines: Measurement[] = [];
  const missing = new Map<string, string>();
  for (const peer of peers) {
    const line = { metric: 'agreed', unit: 'count', peer, bar: { atLeast: 1 } };
    try {
      await proof(peer);
      lines.push({ ...line, value: 1 });
    } catch (error) {
      if (error instanceof PeerMissing) missing.set(peer, error.message);
      else {
        context.remark(`${peer}: ${error instanceof Error ? error.message : String(error)}`);
        lines.push({ ...line, value: 0 });
      }
    }
  }
  if (lines.length === 0) throw new Skip([...missing.values()].join(' '));
  for (const [peer, reason] of missing) context.skipPeer(peer, reason);
  return lines;
};

export const cases: readonly SuiteCase[] = CASES.map(([name, summary, proof, peers = PEERS]) => ({
  name,
  summary,
  run: (context) => prove(proof, peers, context),
}));
