import { parentPort, workerData } from 'node:worker_threads';
import { nameThread } from '#host/thread/thread.ts';
import { collectMesh } from './mesh-metrics.ts';
import { MeshRunner } from './mesh-runner.ts';
import type { MeshCommand, MeshNotice } from './messages.ts';
import type { MeshThreadSetup } from './setup.ts';

/** CONNECTION_CLOSE is on its way for so long. */
const CLOSING_MS = 50;
const BEAT_MS = 100;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');
const notify = (notice: MeshNotice): void => port.postMessage(notice);

const start = (setup: MeshThreadSetup): void => {
  nameThread('cb-mesh');
  const runner = new MeshRunner(setup, notify);
  const heartbeat = new Float64Array(setup.heartbeat);
  const slots = new Float64Array(setup.slots);
  const beat = (): void => {
    heartbeat[0] = Date.now();
    collectMesh(slots, runner);
  };
  beat();
  const beating = setInterval(beat, BEAT_MS);
  port.on('message', (command: MeshCommand) => {
    if (command.type !== 'stop') {
      runner.handle(command);
      return;
    }
    runner.closeLinks();
    setTimeout(() => {
      clearInterval(beating);
      runner.close();
      notify({ type: 'stopped' });
      port.close();
    }, CLOSING_MS);
  });
  notify({ type: 'ready', port: runner.port });
};

try {
  start(workerData as MeshThreadSetup);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  notify({ type: 'failed', message: `the mesh cannot start: ${reason}` });
  port.close();
}
