import { parentPort, workerData } from 'node:worker_threads';
import { native } from '#host/native.ts';
import { makeRealtime, nameThread } from '#host/thread/thread.ts';
import type { BfdCommand, BfdNotice } from './messages.ts';
import { BfdRunner } from './runner.ts';
import { Seats } from './seats.ts';
import type { BfdThreadSetup } from './setup.ts';

/** AdminDown is on its way for so long before the sockets close. */
const CLOSING_MS = 20;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');

const setup = workerData as BfdThreadSetup;
nameThread('cb-bfd');
if (setup.namespace !== undefined) {
  const namespace = native.namespaceOpen(setup.namespace);
  native.namespaceEnter(namespace);
  native.namespaceClose(namespace);
}
const realtime = setup.priority > 0 && makeRealtime(setup.priority);
const notify = (notice: BfdNotice): void => {
  if (!seats.take(notice)) port.postMessage(notice);
};
const runner = new BfdRunner(setup, realtime, notify);
const seats = new Seats(runner);
port.on('message', (command: BfdCommand) => {
  if (command.type === 'seat') {
    seats.add(command.port);
    return;
  }
  runner.handle(command);
  if (command.type !== 'stop') return;
  setTimeout(() => {
    runner.close();
    notify({ type: 'stopped' });
    seats.close();
    port.close();
  }, CLOSING_MS);
});
notify({ type: 'ready', realtime });
