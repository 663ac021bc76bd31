import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '#scripts/setup/paths.mjs';
import type { Device, DeviceName, Edge } from './edge.ts';
import { LabError } from './errors.ts';
import type { LabProcess } from './process.ts';

const UP_MS = 15_000;

/** Name of every device's TUN inside its namespace. */
export const TUN = 'cloudbridge0';

interface Address {
  readonly addr_info: readonly { readonly local?: string }[];
}

/** Whether the device's TUN has its IPv4 address, and any of IPv6. */
const isUp = async ({ lab }: Edge, tun: string, { host, ipv4 }: Device): Promise<boolean> => {
  const text = await lab.exec(host, 'ip', ['-j', 'address', 'show', 'dev', tun]).catch(() => '[]');
  const local = (JSON.parse(text || '[]') as Address[]).flatMap(({ addr_info }) => addr_info.map((info) => info.local));
  return local.includes(ipv4) && local.some((address) => address?.startsWith('fd'));
};

export interface Connected {
  readonly process: LabProcess;
  readonly seconds: number;
}

/**
 * Connects a device from its namespace.
 *
 * @param tokenFile got before; absent: one is got now
 * @param tun a second TUN in a namespace takes only the routes of its network
 */
export const connectDevice = async (
  edge: Edge,
  name: DeviceName,
  tokenFile?: string,
  tun = TUN,
): Promise<Connected> => {
  const device = edge.device(name);
  const token = tokenFile ?? (await edge.token(name));
  const start = performance.now();
  const process = await edge.lab.start({
    name: `connect-${device.id}`,
    host: device.host,
    command: globalThis.process.execPath,
    args: [
      ...[path.join(root, 'cli/main.ts'), 'connect'],
      ...edge.lab.place.servers.flatMap((server) => ['--server', server]),
      ...['--ca', edge.authority.file, '--token-file', token, '--json', '--tun', tun],
      ...(tun === TUN ? ['--default-route'] : ['--route', '10.64.0.0/24']),
    ],
  });
  for (const end = start + UP_MS; !(await isUp(edge, tun, device)); await sleep(10)) {
    if (!process.running) throw new LabError(`${device.id} could not connect.`, process.logFile);
    if (performance.now() > end)
      throw new LabError(`${device.id} was not connected within ${UP_MS} ms.`, process.logFile);
  }
  return { process, seconds: (performance.now() - start) / 1000 };
};

/** Packets that a device's TUN has handed to its host. */
export const receivedPackets = async ({ lab }: Edge, { host }: Device): Promise<number> => {
  const text = await lab.exec(host, 'ip', ['-j', '-s', 'link', 'show', 'dev', TUN]);
  const [link] = JSON.parse(text) as { stats64: { rx: { packets: number } } }[];
  return link?.stats64.rx.packets ?? 0;
};
