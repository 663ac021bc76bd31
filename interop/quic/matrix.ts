import { Skip } from '#bench/suite.ts';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { aioquic } from '../implementations/aioquic.ts';
import { CHROMIUM, chromium } from '../implementations/chromium.ts';
import type { Implementation } from '../implementations/implementation.ts';
import { ngtcp2 } from '../implementations/ngtcp2.ts';
import { OURS, ours } from '../implementations/ours.ts';
import { quicGo } from '../implementations/quic-go.ts';
import { CASES, type QuicCase } from './cases.ts';
import type { Measured } from './figures.ts';
import { lackOf } from './lacks.ts';
import { runCase, type Sides } from './run.ts';

const PEERS: readonly Implementation[] = [quicGo, ngtcp2, aioquic, ours];
export const CASE_NAMES = CASES.map(({ name }) => name);

/** Our role; with ourselves it is both. */
export type Role = 'client' | 'server' | 'both';

/** A case with a peer in a role. */
export type Cell = { readonly one: QuicCase; readonly peer: string; readonly role: Role; readonly sides: Sides };

export type Selection = {
  /** Names; empty: all. */
  readonly cases: readonly string[];
  readonly peers: readonly string[];
  readonly role?: string | undefined;
};

const cellsOf = (one: QuicCase, peer: Implementation): Cell[] => {
  if (peer.name === OURS) return [{ one, peer: OURS, role: 'both', sides: { server: ours, client: ours } }];
  return [
    { one, peer: peer.name, role: 'client', sides: { server: peer, client: ours } },
    { one, peer: peer.name, role: 'server', sides: { server: ours, client: peer } },
  ];
};

/** A browser fetches files, and nobody can tell it how: it has one case, in one role. */
const browserCells = (): Cell[] =>
  CASES.filter(({ http3 }) => http3).map((one) => ({
    one,
    peer: CHROMIUM,
    role: 'server',
    sides: { server: ours, client: chromium },
  }));

/** What is to be run, peer by peer. */
export const choose = ({ cases, peers, role }: Selection): Cell[] =>
  [...PEERS.flatMap((peer) => CASES.flatMap((one) => cellsOf(one, peer))), ...browserCells()]
    .filter(({ peer }) => peers.length === 0 || peers.includes(peer))
    .filter(({ one }) => cases.length === 0 || cases.includes(one.name))
    .filter((cell) => role === undefined || cell.role === role || cell.role === 'both');

export type Result = {
  /** `lacking`: the committed table says that the peer cannot; `skipped`: this machine cannot. */
  readonly result: 'passed' | 'failed' | 'lacking' | 'skipped';
  readonly seconds: number;
  readonly reason?: string;
  readonly measured?: Measured;
};

const lacking = ({ one, peer, role }: Cell): string | undefined =>
  role === 'both' ? undefined : lackOf(peer, role === 'client' ? 'server' : 'client', one.name);

/** Runs one cell. @param traces folder for captures, see `runCase` */
export const runCell = async (cell: Cell, traces?: string): Promise<Result> => {
  const reason = lacking(cell);
  if (reason !== undefined) return { result: 'lacking', seconds: 0, reason };
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 100) / 10;
  try {
    const measured = await runCase(cell.one, cell.sides, traces);
    return { result: 'passed', seconds: seconds(), ...(measured && { measured }) };
  } catch (error) {
    const skipped = error instanceof Skip || error instanceof PeerMissing;
    const text = error instanceof Error ? error.message : String(error);
    return { result: skipped ? 'skipped' : 'failed', seconds: seconds(), reason: text };
  }
};
