/** A thread that sends back whatever it gets. */
import { parentPort, workerData } from 'node:worker_threads';
import { Exchange, type ExchangeMemory } from '../exchange.ts';

export interface EchoSetup {
  readonly memory: ExchangeMemory;
  readonly thread: number;
  readonly headroom: number;
}

const { memory, thread, headroom } = workerData as EchoSetup;
const exchange = new Exchange(memory, thread, headroom);
exchange.listen({
  take(kind, meta, buffer, start, end) {
    exchange.meta.set(meta);
    exchange.send(0, kind, buffer, start, end);
  },
  taken: () => exchange.flush(),
});
parentPort?.on('message', () => {
  exchange.close();
  parentPort?.close();
});
parentPort?.postMessage('ready');
