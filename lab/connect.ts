import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '#scripts/setup/paths.mjs';
import type { DeviceName, Edge } from './edge.ts';
import { LabError } from './errors.ts';

const UP_MS = 15_000;

/**
 * Connects a device.
 *
 * @param tokenFile got before; absent: one is got now
 * @returns how many seconds it took until the device could send
 */
export const connectDevice = async (edge: Edge, name: DeviceName, tokenFile?: string): Promise<number> => {
  const { lab, authority, reach } = edge;
  const device = edge.device(name);
  const token = tokenFile ?? (await edge.token(name));
  const start = performance.now();
  const connection = await lab.start({
    name: `connect-${device.id}`,
    host: device.host,
    command: process.execPath,
    args: [
      ...[path.join(root, 'cli/main.ts'), 'connect', '--ca', authority.file, '--token-file', token, '--json'],
      ...lab.place.servers.flatMap((server) => ['--server', server]),
      ...reach.options(name),
    ],
    env: { CBR_HOME: edge.deviceHome },
  });
  edge.connections.set(name, connection);
  for (const end = start + UP_MS; !(await reach.isUp(name, connection)); await sleep(10)) {
    if (!connection.running) throw new LabError(`${name} could not connect.`, connection.logFile);
    if (performance.now() > end)
      throw new LabError(`${name} was not connected within ${UP_MS} ms.`, connection.logFile);
  }
  return (performance.now() - start) / 1000;
};
