import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Lab } from './lab.ts';
import type { ResumedTransfer } from './probes/resume.ts';
import type { SmallRequests } from './probes/small.ts';
import type { Transfer } from './probes/transfer.ts';

const TIMEOUT_MS = 60_000;

const probe = async (lab: Lab, host: string, ...args: string[]): Promise<unknown> => {
  const command = [path.join(root, 'lab/probes/main.ts'), ...args];
  return JSON.parse(await lab.exec(host, process.execPath, command, { timeoutMs: TIMEOUT_MS }));
};

/** Moves so many bytes between a host of the lab and the internet host at `base`, digests checked. */
export const transfer = (
  lab: Lab,
  host: string,
  what: 'download' | 'upload',
  base: string,
  bytes: number,
): Promise<Transfer> => probe(lab, host, what, base, `${bytes}`) as Promise<Transfer>;

/** A download that goes on after being broken off. */
export const resumedDownload = (lab: Lab, host: string, base: string, bytes: number): Promise<ResumedTransfer> =>
  probe(lab, host, 'resume', base, `${bytes}`) as Promise<ResumedTransfer>;

export const smallRequests = (lab: Lab, host: string, base: string, count: number): Promise<SmallRequests> =>
  probe(lab, host, 'small', base, `${count}`) as Promise<SmallRequests>;

export const rate = (metric: string, { bytes, seconds }: Transfer, atLeast?: number): Measurement => ({
  metric,
  value: Math.round((bytes * 8) / seconds / 1e6),
  unit: 'Mbit/s',
  ...(atLeast !== undefined && { bar: { atLeast } }),
});
