import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { CommandOptions } from './command.ts';
import type { Lab } from './lab.ts';
import type { Reply } from './ping.ts';
import type { Flow } from './probes/flow.ts';
import type { ProbeOrder } from './probes/main.ts';
import type { ResumedTransfer } from './probes/resume.ts';
import type { SmallRequests } from './probes/small.ts';
import type { Transfer } from './probes/transfer.ts';

const TIMEOUT_MS = 60_000;
/** What TCP carries through a tunnel of the lab on two cores at least, in Mbit/s, with room for what else they do. */
export const LEAST_RATE = 300;

/** Where a probe runs, and how it sends: by the host's routes, or through a SOCKS5 proxy (host:port). */
export interface Vantage {
  readonly host: string;
  readonly socks?: string;
}

const probe = async (
  lab: Lab,
  { host, socks }: Vantage,
  order: object,
  options: CommandOptions = { timeoutMs: TIMEOUT_MS },
): Promise<unknown> => {
  const whole = { ...order, ...(socks !== undefined && { socks }) } as ProbeOrder;
  const command = [path.join(root, 'lab/probes/main.ts'), JSON.stringify(whole)];
  const output = await lab.exec(host, process.execPath, command, options);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
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

/** One connection to the internet host's echo on which something goes to and fro all the time. */
export interface OpenFlow {
  /** Resolves when it has begun. */
  readonly underWay: Promise<unknown>;
  readonly done: Promise<Flow>;
}

export const openFlow = (
  lab: Lab,
  from: Vantage,
  base: string,
  how: { readonly everyMs: number; readonly forMs: number },
): OpenFlow => {
  const { promise, resolve: onFirstOutput } = Promise.withResolvers<void>();
  const done = probe(lab, from, { what: 'flow', base, ...how }, { timeoutMs: TIMEOUT_MS, onFirstOutput });
  // A failure is told to whoever waits.
  done.catch(() => {});
  return { underWay: Promise.race([promise, done]), done: done as Promise<Flow> };
};

/** Resolves when a PoP's worker was not ready several times on end. */
export const untilNotReady = async (lab: Lab, pop: string): Promise<void> => {
  const url = `http://${lab.place.worker(pop).admin}/readyz`;
  await probe(lab, { host: pop }, { what: 'until-not-ready', url });
};

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
