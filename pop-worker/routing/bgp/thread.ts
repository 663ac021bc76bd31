import { parentPort, workerData } from 'node:worker_threads';
import { native } from '#host/native.ts';
import { beginBeat, giveBeat } from '#host/thread/beat.ts';
import { nameThread } from '#host/thread/thread.ts';
import { KernelNextHops } from './kernel-next-hops.ts';
import type { BgpCommand, BgpNotice } from './messages.ts';
import { BgpRunner } from './runner.ts';
import type { BgpThreadSetup } from './setup.ts';
import { Tables } from './tables.ts';
import { warmUp } from './warm-up.ts';

/** NOTIFICATIONs are on their way for so long before the thread ends. */
const CLOSING_MS = 50;
/** So often that a limit of a few hundred milliseconds has room for a beat that is late. */
const BEAT_MS = 50;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');
const notify = (notice: BgpNotice): void => port.postMessage(notice);

const setup = workerData as BgpThreadSetup;
nameThread('cb-bgp');
if (setup.namespace !== undefined) {
  const namespace = native.namespaceOpen(setup.namespace);
  native.namespaceEnter(namespace);
  native.namespaceClose(namespace);
}
const beat = new Float64Array(setup.beat);
beginBeat(beat);
const nextHops =
  setup.routes.nextHops === 'any'
    ? undefined
    : new KernelNextHops(() => {
        tables.rib.nextHopsChanged();
        runner.wake();
      });
const tables = new Tables(setup.routes, nextHops && ((nextHop) => nextHops.costOf(nextHop)));
const runner = new BgpRunner(setup, tables, notify);
setInterval(() => {
  giveBeat(beat);
  runner.beat();
}, BEAT_MS).unref();
port.on('message', (command: BgpCommand) => {
  runner.handle(command);
  if (command.type !== 'quit') return;
  nextHops?.close();
  setTimeout(() => {
    notify({ type: 'stopped' });
    port.close();
  }, CLOSING_MS);
});
warmUp();
notify({ type: 'ready', ports: runner.ports });
