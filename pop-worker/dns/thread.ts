import { parentPort, workerData } from 'node:worker_threads';
import { nameThread } from '#host/thread/thread.ts';
import { collectDns } from './dns-metrics.ts';
import { DnsRunner } from './runner.ts';
import type { DnsCommand, DnsNotice, DnsThreadSetup } from './setup.ts';

const BEAT_MS = 100;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');
const notify = (notice: DnsNotice): void => port.postMessage(notice);

const start = async ({ listen, defence, slots: shared, heartbeat: beats }: DnsThreadSetup): Promise<void> => {
  nameThread('cb-dns');
  const runner = new DnsRunner(defence, notify);
  const ports = await runner.listen(listen);
  const heartbeat = new Float64Array(beats);
  const slots = new Float64Array(shared);
  const beat = (): void => {
    heartbeat[0] = Date.now();
    runner.tick(heartbeat[0]);
    collectDns(slots, runner);
  };
  beat();
  const beating = setInterval(beat, BEAT_MS);
  port.on('message', (command: DnsCommand) => {
    if (command.type === 'zones') runner.setZones(command.zones);
    else if (command.type === 'unwell') runner.setUnwell(command.pops);
    else {
      clearInterval(beating);
      runner.close();
      port.close();
    }
    collectDns(slots, runner);
  });
  notify({ type: 'ready', ports });
};

start(workerData as DnsThreadSetup).catch((error: unknown) => {
  notify({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  port.close();
});
