import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { Journey, Step } from '../journey.ts';
import { rate, transfer } from '../probe.ts';
import { INTERNET_HOST } from '../topology.ts';

const BYTES = 16 * 1024 * 1024;

const measure = async ({ lab }: Journey, base4: string, base6: string): Promise<Measurement[]> => [
  rate('download_v4', await transfer(lab, 'client1', 'download', base4, BYTES)),
  rate('download_v6', await transfer(lab, 'client1', 'download', base6, BYTES)),
  rate('upload_v4', await transfer(lab, 'client1', 'upload', base4, BYTES)),
];

const start = (journey: Journey, listeners: readonly string[]) =>
  journey.lab.start({
    name: 'internet-host',
    host: 'internet',
    command: process.execPath,
    args: [path.join(root, 'lab/internet-host.ts'), ...listeners],
    announcesReady: true,
  });

/** The internet host serves, and client1 gets and sends content through plain routing: the base for all comparisons. */
export const internetHost: Step = {
  name: 'plain-http',
  title: 'client1 gets and sends 16 MiB, plain routing, digests checked',
  essential: true,
  run: async (journey) => {
    await start(journey, [INTERNET_HOST.v4, '80', INTERNET_HOST.v6, '80']);
    const base4 = `http://${INTERNET_HOST.v4}`;
    journey.endpoints.push({ label: 'internet host (inside the lab)', value: `${base4}/small` });
    return measure(journey, base4, `http://[${INTERNET_HOST.v6}]`);
  },
};

/** The same over the loopback of the machine, for those without root. */
export const loopbackHost: Step = {
  name: 'loopback-http',
  title: '16 MiB to and from the internet host over loopback, digests checked',
  essential: true,
  run: async (journey) => {
    await journey.raise();
    const started = await start(journey, ['127.0.0.1', '0', '::1', '0']);
    const { ports } = (await started.ready) as { ports: [number, number] };
    journey.endpoints.push({ label: 'internet host', value: `http://127.0.0.1:${ports[0]}/small` });
    return measure(journey, `http://127.0.0.1:${ports[0]}`, `http://[::1]:${ports[1]}`);
  },
};
