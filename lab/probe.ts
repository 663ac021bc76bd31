import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Lab } from './lab.ts';
import type { Reply } from './ping.ts';
import type { ProbeOrder } from './probes/main.ts';
import type { ResumedTransfer } from './probes/resume.ts';
import type { SmallRequests } from './probes/small.ts';
import type { Transfer } from './probes/transfer.ts';

const TIMEOUT_MS = 60_000;

/** Where a probe runs, and how it sends: by the host's routes, or through a SOCKS5 proxy (host:port). */
export interface Vantage {
  readonly host: string;
  readonly socks?: string;
}

const probe = async (lab: Lab, { host, socks }: Vantage, order: object): Promise<unknown> => {
  const whole = { ...order, ...(socks !== undefined && { socks }) } as ProbeOrder;
  const command = [path.join(root, 'lab/probes/main.ts'), JSON.stringify(whole)];
  return JSON.parse(await lab.exec(host, process.execPath, command, { timeoutMs: TIMEOUT_MS }));
};

/** Moves so many bytes between here and the internet host at `base`, digests checked. */
export const transfer = (
  lab: Lab,
  from: Vantage,
  what: 'download' | 'upload',
  base: string,
  bytes: number,
): Promise<Transfer> => probe(lab, from, { what, base, bytes }) as Promise<Transfer>;

/** A download that goes on after being broken off. */
export const resumedDownload = (lab: Lab, from: Vantage, base: string, bytes: number): Promise<ResumedTransfer> =>
  probe(lab, from, { what: 'resume', base, bytes }) as Promise<ResumedTransfer>;

export const smallRequests = (lab: Lab, from: Vantage, base: string, count: number): Promise<SmallRequests> =>
  probe(lab, from, { what: 'small', base, count }) as Promise<SmallRequests>;

/** Small requests of which some may be lost. @returns the answers */
export const roundTrips = (
  lab: Lab,
  from: Vantage,
  base: string,
  how: { readonly count: number; readonly everyMs: number },
): Promise<Reply[]> => probe(lab, from, { what: 'trips', base, ...how }) as Promise<Reply[]>;

/** Connections that the SOCKS5 proxy at `from` denies by its rules, of so many. */
export const deniedConnections = (
  lab: Lab,
  from: Vantage,
  { address, port }: { readonly address: string; readonly port: number },
  count: number,
): Promise<number> => probe(lab, from, { what: 'denied', host: address, port, count }) as Promise<number>;

export const rate = (metric: string, { bytes, seconds }: Transfer, atLeast?: number): Measurement => ({
  metric,
  value: Math.round((bytes * 8) / seconds / 1e6),
  unit: 'Mbit/s',
  ...(atLeast !== undefined && { bar: { atLeast } }),
});
