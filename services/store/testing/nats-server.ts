import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';

/** A real server on a port of its own, with its data in a folder that goes with it. */
export interface TestServer {
  readonly url: string;
  /** The same over WebSocket, as the edge Worker speaks it. */
  readonly websocketUrl: string;
  /** Ends the process at once, as a crash does; the data stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. @param more goes into its configuration, as who may connect */
  start(more?: string): Promise<void>;
  /** What it has logged since its last start. */
  readLog(): Promise<string>;
  close(): Promise<void>;
}

/** @param more goes into its configuration @param data folder for JetStream; by default one that goes with it */
export const startNatsServer = async (more = '', data?: string): Promise<TestServer> => {
  const found = findNatsServer();
  if (!found) throw new Error('nats-server is missing: run npm test once, or put it on PATH');
  const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-nats-'));
  let ports: Ports = { nats: -1, websocket: -1 };
  let child: ReturnType<typeof spawn> | undefined;
  const log = join(folder, 'log');
  const start = async (added = ''): Promise<void> => {
    await writeFile(
      join(folder, 'nats.conf'),
      `${configFor(folder, data ?? join(folder, 'data'), ports)}log_file: ${JSON.stringify(log)}\n${added}\n`,
    );
    await rm(log, { force: true });
    const started = spawn(found.file, ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    child = started;
    ports = await readPorts(join(folder, `nats-server_${started.pid}.ports`));
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await ended;
  };
  await start(more);
  return {
    url: `nats://127.0.0.1:${ports.nats}`,
    websocketUrl: `ws://127.0.0.1:${ports.websocket}`,
    start,
    readLog: () => readFile(log, 'utf8'),
    kill,
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

interface Ports {
  readonly nats: number;
  readonly websocket: number;
}

const configFor = (folder: string, data: string, ports: Ports): string => `listen: "127.0.0.1:${ports.nats}"
ports_file_dir: ${JSON.stringify(folder)}
jetstream { store_dir: ${JSON.stringify(data)}, sync_interval: always }
websocket { listen: "127.0.0.1:${ports.websocket}", no_tls: true }
`;

const readPorts = async (file: string): Promise<Ports> => {
  for (let tries = 0; tries < 500; tries++) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const portOf = (scheme: string): number =>
      Number(new RegExp(`"(?:${scheme})://127\\.0\\.0\\.1:(\\d+)"`).exec(text)?.[1]);
    const ports = { nats: portOf('nats|tls'), websocket: portOf('ws') };
    if (ports.nats > 0 && ports.websocket > 0) return ports;
    await sleep(10);
  }
  throw new Error('nats-server did not say its ports within 5 s');
};
