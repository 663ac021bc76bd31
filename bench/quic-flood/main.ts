/**
 * A connection to a `quic-perf` server, first alone and then under a flood from other addresses:
 * `node bench/quic-flood/main.ts --address A --port P --ca FILE --kind valid|garbage|handshakes --rate N`. Prints one line,
 * `{"result": …}`. The addresses of `order.ts` must be this network namespace's own.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { PerfClient } from '../quic-perf/client.ts';
import type { FloodKind, FloodOrder, FloodResult } from './order.ts';
import { BusyConnection, newcomers, type Traffic } from './traffic.ts';

const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '' },
    port: { type: 'string', default: '' },
    ca: { type: 'string', default: '' },
    kind: { type: 'string', default: 'valid' },
    rate: { type: 'string', default: '20000' },
    traffic: { type: 'string', default: 'stream' },
    secs: { type: 'string', default: '3' },
  },
});

const WARM_SECONDS = 1;
/** The flood is on before what is measured under it: a server is measured that runs, not one that compiles what it needs. */
const LEAD_SECONDS = 2;
/** …and goes on until after it. */
const MARGIN_SECONDS = 0.3;

const { address, ca: authority } = values;
const [port, rate, seconds] = [Number(values.port), Number(values.rate), Number(values.secs)];
const kind = values.kind as FloodKind;
const order: FloodOrder = { address, port, authority, kind, rate, seconds: LEAD_SECONDS + seconds + MARGIN_SECONDS };

const pause = (s: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, s * 1000));

const flood = new Worker(new URL('flood.ts', import.meta.url), { workerData: order });
const ready = Promise.withResolvers<void>();
const result = Promise.withResolvers<FloodResult>();
flood.on('message', (message: { readonly result?: FloodResult }) => {
  ready.resolve();
  if (message.result !== undefined) result.resolve(message.result);
});
flood.on('error', (error) => {
  ready.reject(error);
  result.reject(error);
});
await ready.promise;

const client = new PerfClient({ address, port, authority, controller: DEFAULT_CONTROLLER });
const busy = await BusyConnection.open(client, values.traffic as Traffic);
await busy.measure(WARM_SECONDS);
const quiet = await busy.measure(seconds);
flood.postMessage('go');
await pause(LEAD_SECONDS);
const [flooded, others] = await Promise.all([busy.measure(seconds), newcomers(client, seconds)]);
const done = await result.promise;
busy.close();
await client.close();
console.log(JSON.stringify({ result: { quiet, flooded, newcomers: others, flood: done } }));
