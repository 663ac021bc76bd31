import { type CaseContext, Skip, type SuiteCase } from '#bench/suite.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peers.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Proof } from './wireguard/cases/proof.ts';
import { CASES } from './wireguard/cases/table.ts';
import type { PeerName } from './wireguard/implementations.ts';

const PEERS: readonly PeerName[] = ['wireguard-go'];

/** A line for each peer: `agreed`, 1 or 0. */
const prove = async (proof: Proof, context: CaseContext): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const lines: Measurement[] = [];
  for (const peer of PEERS) {
    const line = { metric: 'agreed', unit: 'count', peer, bar: { atLeast: 1 } };
    try {
      await proof(peer);
      lines.push({ ...line, value: 1 });
    } catch (error) {
      if (error instanceof PeerMissing) throw new Skip(error.message);
      context.remark(`${peer}: ${error instanceof Error ? error.message : String(error)}`);
      lines.push({ ...line, value: 0 });
    }
  }
  return lines;
};

export const cases: readonly SuiteCase[] = CASES.map(([name, summary, proof]) => ({
  name,
  summary,
  run: (context) => prove(proof, context),
}));
