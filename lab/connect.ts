import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '#scripts/setup/paths.mjs';
import { LabError } from './errors.ts';
import type { LabProcess } from './process.ts';
import type { Device, StaticEdge } from './static-edge.ts';
import { ANYCAST } from './topology.ts';

const UP_MS = 15_000;

/** Name of every device's TUN inside its namespace. */
export const TUN = 'cloudbridge0';

interface Address {
  readonly addr_info: readonly { readonly local?: string }[];
}

/** Whether the device's TUN has both of its addresses. */
const isUp = async ({ lab }: StaticEdge, { host, ipv4, ipv6 }: Device): Promise<boolean> => {
  const text = await lab.exec(host, 'ip', ['-j', 'address', 'show', 'dev', TUN]).catch(() => '[]');
  const local = (JSON.parse(text || '[]') as Address[]).flatMap(({ addr_info }) => addr_info.map((info) => info.local));
  return local.includes(ipv4) && local.includes(ipv6);
};

/** Connects a device from its namespace, all of its traffic through the tunnel. @returns seconds until it was up */
export const connectDevice = async (
  edge: StaticEdge,
  device: Device,
): Promise<{ process: LabProcess; seconds: number }> => {
  const start = performance.now();
  const process = await edge.lab.start({
    name: `connect-${device.id}`,
    host: device.host,
    command: globalThis.process.execPath,
    args: [
      ...[path.join(root, 'cli/main.ts'), 'connect', '--server', `https://${ANYCAST.v4}`],
      ...['--ca', edge.authority.file, '--token-file', await edge.token(device)],
      ...['--tun', TUN, '--default-route', '--json'],
    ],
  });
  for (const end = start + UP_MS; !(await isUp(edge, device)); await sleep(10)) {
    if (!process.running) throw new LabError(`${device.id} could not connect.`, process.logFile);
    if (performance.now() > end)
      throw new LabError(`${device.id} was not connected within ${UP_MS} ms.`, process.logFile);
  }
  return { process, seconds: (performance.now() - start) / 1000 };
};

/** Packets that a device's TUN has handed to its host. */
export const receivedPackets = async ({ lab }: StaticEdge, { host }: Device): Promise<number> => {
  const text = await lab.exec(host, 'ip', ['-j', '-s', 'link', 'show', 'dev', TUN]);
  const [link] = JSON.parse(text) as { stats64: { rx: { packets: number } } }[];
  return link?.stats64.rx.packets ?? 0;
};
