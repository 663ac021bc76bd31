import { type CaseContext, Skip, type SuiteCase } from '#bench/suite.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Proof } from './bgp/cases/proof.ts';
import { CASES } from './bgp/cases/table.ts';
import { LACKS } from './bgp/lacks.ts';
import type { PeerName } from './bgp/scene.ts';

/** A line for each peer that has what the case is about: `agreed`, 1 or 0. */
const prove = async (
  name: string,
  proof: Proof,
  peers: readonly PeerName[],
  context: CaseContext,
): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const lines: Measurement[] = [];
  const missing = new Map<PeerName, string>();
  for (const peer of peers) {
    const lack = LACKS.find((one) => one.peer === peer && one.case === name);
    if (lack !== undefined) {
      context.remark(`${peer} is left out: ${lack.reason}.`);
      continue;
    }
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
  if (lines.length === 0 && missing.size > 0) throw new Skip([...missing.values()].join(' '));
  for (const [peer, reason] of missing) context.skipPeer(peer, reason);
  return lines;
};

/** All cases, each with these peers. */
export const casesWith = (peers: readonly PeerName[]): readonly SuiteCase[] =>
  CASES.map(([name, summary, proof]) => ({
    name,
    summary,
    run: (context) => prove(name, proof, peers, context),
  }));
