import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Step } from '../journey.ts';
import { rate, transfer } from '../probe.ts';

const BYTES = 16 * 1024 * 1024;

/** The internet host serves, and client1 gets and sends content through plain routing: the base for all comparisons. */
export const internetHost: Step = {
  name: 'plain-http',
  title: 'client1 gets and sends 16 MiB without a tunnel, digests checked',
  essential: true,
  run: async ({ lab, endpoints }) => {
    const { v4, v6 } = lab.place.internet;
    const listeners = [v4, v6].flatMap((at) => (at === undefined ? [] : [at.address, `${at.port}`]));
    await lab.start({
      name: 'internet-host',
      host: 'internet',
      command: process.execPath,
      args: [path.join(root, 'lab/internet-host.ts'), ...listeners],
      announcesReady: true,
    });
    endpoints.push({ label: 'internet host', value: `${v4.base}/small` });
    const measurements: Measurement[] = [];
    const measure = async (metric: string, what: 'download' | 'upload', base: string): Promise<void> => {
      measurements.push(rate(metric, await transfer(lab, { host: 'client1' }, what, base, BYTES)));
    };
    await measure('download_v4', 'download', v4.base);
    if (v6 !== undefined) await measure('download_v6', 'download', v6.base);
    await measure('upload_v4', 'upload', v4.base);
    return measurements;
  },
};
