import { parentPort, workerData } from 'node:worker_threads';
import { nameThread } from '#host/thread/thread.ts';
import type { Command, Notice } from './commands.ts';
import { Edge } from './edge.ts';
import { ListenSockets } from './listen-sockets.ts';
import { EdgeMetrics } from './metrics/edge-metrics.ts';
import { LoopDelay } from './metrics/loop-delay.ts';
import { openHosts } from './open-hosts.ts';
import type { ThreadSetup } from './setup.ts';
import { OpenError } from './socket-fault.ts';

/** CONNECTION_CLOSE is on its way, and answers to it are still read, for so long. */
const CLOSING_MS = 100;

const port = parentPort;
if (port === null) throw new Error('this is the file of a worker thread');
const notify = (notice: Notice): void => port.postMessage(notice);

const start = async (setup: ThreadSetup): Promise<void> => {
  nameThread(`cb-data-${setup.index}`);
  const slots = new Float64Array(setup.slots);
  const { sockets, handoffSocket, wireguardSockets, tun, fallbacks } = openHosts(setup);
  const wireguardSocket = wireguardSockets.length > 0 ? new ListenSockets(wireguardSockets) : undefined;
  const edge = new Edge(setup, { sockets: new ListenSockets(sockets), handoffSocket, wireguardSocket, tun, notify });
  const metrics = new EdgeMetrics(slots, edge, { sockets: [...sockets, ...wireguardSockets], tun, fallbacks });
  const delay = new LoopDelay(slots, new Float64Array(setup.heartbeat), () => edge.beat());
  tun?.onLost(() => {
    notify({ type: 'failed', message: `the TUN ${tun.name} was removed by someone else` });
  });
  const stop = (): void => {
    edge.closeConnections();
    setTimeout(() => {
      metrics.collect();
      delay.close();
      edge.close();
      notify({ type: 'stopped' });
      port.close();
    }, CLOSING_MS);
  };
  const handle = (command: Command): void => {
    if (command.type === 'stop') stop();
    else if (command.type === 'probe') edge.probe(command.nonce, command.versions);
    else if (command.type === 'collect') {
      metrics.collect();
      notify({ type: 'collected', connections: edge.connections.size, sessions: edge.sessionCount });
    } else if (command.type === 'assess')
      notify({ type: 'assessed', id: command.id, ...edge.commands.assess(command) });
    else edge.commands.handle(command);
  };
  port.on('message', (command: Command) => edge.faults.guard('command', () => handle(command)));
  try {
    await edge.carrier?.listen();
  } catch (error) {
    delay.close();
    edge.close();
    throw error;
  }
  notify({ type: 'ready', device: tun?.name, fallbacks });
};

try {
  await start(workerData as ThreadSetup);
} catch (error) {
  if (!(error instanceof OpenError)) throw error;
  notify({ type: 'failed', message: error.message });
  port.close();
}
