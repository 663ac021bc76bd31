import type { CarriedLink } from './carried-link.ts';
import type { TunnelCounters } from './tunnel-counters.ts';

/** What a connection did, as a line of `--json` and of the end has it. */
export interface Statistics {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly packetsUp: number;
  readonly packetsDown: number;
  /** Packets of the tunnel that went nowhere. */
  readonly dropped: number;
  /** Smoothed, of the present or the last connection; null when there was none. */
  readonly rttMs: number | null;
  /** Lost QUIC packets by sent ones, of the same connection; null over TCP too. */
  readonly lossRatio: number | null;
  /** Bytes of the largest packet of the tunnel. */
  readonly mtu: number | null;
  readonly reconnects: number;
  /** Congestion controller of the same connection as `rttMs`. */
  readonly congestionControl: string | null;
}

/** Bytes and datagrams of QUIC over all connections so far; the present one is added when asked. */
export class QuicTotals {
  bytesUp = 0;
  bytesDown = 0;
  packetsUp = 0;
  packetsDown = 0;

  /** A connection is over. */
  add(link: CarriedLink): void {
    const { bytesSent, bytesReceived, packetsSent, packetsReceived } = link.figures();
    this.bytesUp += bytesSent;
    this.bytesDown += bytesReceived;
    this.packetsUp += packetsSent;
    this.packetsDown += packetsReceived;
  }
}

export interface StatisticsSources {
  readonly link: CarriedLink | undefined;
  /** The one before, for figures that are nobody's else at the end. */
  readonly lastLink: CarriedLink | undefined;
  /** What went through the TUN; without one, QUIC's own packets are counted. */
  readonly tunnel: TunnelCounters | undefined;
  readonly totals: QuicTotals;
  readonly mtu: number;
  readonly overflows: number;
  readonly connections: number;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

const traffic = ({ link, tunnel, totals }: StatisticsSources) => {
  if (tunnel !== undefined) return tunnel;
  const all = new QuicTotals();
  Object.assign(all, totals);
  if (link !== undefined) all.add(link);
  return all;
};

export const collect = (sources: StatisticsSources): Statistics => {
  const { link, lastLink, tunnel, connections } = sources;
  const { bytesUp, bytesDown, packetsUp, packetsDown } = traffic(sources);
  const { rttMs, lossRatio, controller } = (link ?? lastLink)?.figures() ?? {};
  return {
    bytesUp,
    bytesDown,
    packetsUp,
    packetsDown,
    dropped: tunnel === undefined ? 0 : tunnel.invalid + tunnel.tooBig + tunnel.notSent + sources.overflows,
    rttMs: rttMs === undefined ? null : round(rttMs, 3),
    lossRatio: lossRatio === undefined ? null : round(lossRatio, 5),
    mtu: sources.mtu > 0 ? sources.mtu : null,
    reconnects: Math.max(0, connections - 1),
    congestionControl: controller ?? null,
  };
};

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

const bytesText = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
};

/** One line for people. */
export const statisticsLine = (all: Statistics): string =>
  [
    `sent ${bytesText(all.bytesUp)} in ${all.packetsUp} packets`,
    `received ${bytesText(all.bytesDown)} in ${all.packetsDown}`,
    ...(all.dropped > 0 ? [`dropped ${all.dropped}`] : []),
    ...(all.rttMs === null ? [] : [`rtt ${all.rttMs} ms`]),
    ...(all.lossRatio === null ? [] : [`loss ${round(all.lossRatio * 100, 2)} %`]),
    ...(all.mtu === null ? [] : [`mtu ${all.mtu}`]),
    `reconnects ${all.reconnects}`,
  ].join(', ');
