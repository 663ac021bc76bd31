import type { FlipReport } from '#pop-worker/testing/flip/client.ts';
import type { Measurement } from '#telemetry/measurement.ts';

/** A change of route: milliseconds of the clock that the client has too. */
export interface Flip {
  readonly ms: number;
  readonly to: 'a' | 'b';
}

/** What was seen of one run. All connections are at PoP a. */
export interface FlipTold {
  readonly report: FlipReport;
  /** Of the phase, in order; the route led to a before. */
  readonly flips: readonly Flip[];
  /** Round trip between the PoPs. */
  readonly meshRttMs: number;
  /** Datagrams that one PoP handed to the other. */
  readonly handed: number;
  /** Whether more latency than the bar allows is a failure: not while the client makes handshakes in the same thread. */
  readonly judgesLatency: boolean;
  /** Whether some handshakes are to come with early data that is taken. */
  readonly wantsEarly: boolean;
}

/** Changes take effect within so much of the time that is noted for them. */
const GRACE_MS = 5;
const MARGIN_MS = 2;
const LEAST_EARLY = 20;

export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Where the route led at that time; undefined: about to change, or just changed. */
const placeAt = (flips: readonly Flip[], ms: number): 'a' | 'b' | undefined => {
  let place: 'a' | 'b' = 'a';
  for (const flip of flips) {
    if (Math.abs(flip.ms - ms) < GRACE_MS) return undefined;
    if (flip.ms > ms) break;
    place = flip.to;
  }
  return place;
};

/** The most that one connection lost between the middle of two flips: what a flip cost it. */
const mostLost = ({ lost }: FlipReport, flips: readonly Flip[]): number => {
  const counts = new Map<string, number>();
  for (const { connection, ms } of lost) {
    let nearest = 0;
    for (const [i, flip] of flips.entries()) {
      if (Math.abs(flip.ms - ms) < Math.abs((flips[nearest] as Flip).ms - ms)) nearest = i;
    }
    const key = `${connection} ${nearest}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
};

/** @throws Error when nothing was handed over, or nothing came back from one of the places */
export const flipFigures = ({
  report,
  flips,
  meshRttMs,
  handed,
  judgesLatency,
  wantsEarly,
}: FlipTold): Measurement[] => {
  const at = { a: [] as number[], b: [] as number[] };
  for (const [i, ms] of report.sentMs.entries()) {
    const place = placeAt(flips, ms);
    if (place !== undefined) at[place].push(report.rttMs[i] as number);
  }
  for (const all of Object.values(at)) all.sort((x, y) => x - y);
  if (handed === 0 || at.a.length === 0 || at.b.length === 0) throw new Error('No packet took the other way.');
  // No packet takes both ways: what is added is told by what both have in common, their place among the others.
  const added = (share: number): number => quantile(at.b, share) - quantile(at.a, share);
  const count = (metric: string, value: number, more: Partial<Measurement> = {}): Measurement => ({
    ...{ metric, value, unit: 'count' },
    ...more,
  });
  const ms = (metric: string, value: number, more: Partial<Measurement> = {}): Measurement => ({
    ...{ metric, value, unit: 'ms' },
    ...more,
  });
  const early = report.opened.filter(({ early: state }) => state === 'accepted').length;
  return [
    count('connections_ended', report.ended.length, { bar: { atMost: 0 } }),
    count('handshakes_failed', report.failed.length, { bar: { atMost: 0 } }),
    count('lost_a_flip_and_connection', mostLost(report, flips), { bar: { atMost: 1 } }),
    ms('added_latency_p99', added(0.99), judgesLatency ? { bar: { atMost: meshRttMs + MARGIN_MS } } : {}),
    ms('added_latency_p50', added(0.5)),
    ms('rtt_home_p50', quantile(at.a, 0.5)),
    ms('rtt_home_p99', quantile(at.a, 0.99)),
    ms('rtt_away_p99', quantile(at.b, 0.99)),
    ms('mesh_rtt', meshRttMs),
    count('flips', flips.length),
    count('packets', report.sentMs.length),
    count('packets_lost', report.lost.length),
    count('handed_over', handed),
    count('handshakes', report.opened.length),
    count(
      'handshakes_met_by_a_flip',
      report.opened.filter(({ ms: begun, tookMs }) =>
        flips.some((flip) => flip.ms >= begun && flip.ms <= begun + tookMs),
      ).length,
    ),
    count('handshakes_with_early_data', early, wantsEarly ? { bar: { atLeast: LEAST_EARLY } } : {}),
    { metric: 'payload', value: report.payloadBytes, unit: 'bytes' },
  ];
};
