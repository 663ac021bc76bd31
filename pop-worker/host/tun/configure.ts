import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TunConfiguration {
  readonly mtu?: number;
  /** `address/prefix` texts of either family. */
  readonly addresses?: readonly string[];
  readonly up?: boolean;
  /** Name of the network namespace that holds the device (`ip netns`); the process's own when not given. */
  readonly namespace?: string;
}

/** Sets up an interface by `ip` until the netlink host does it. @throws when `ip` refuses, with what it printed */
export const configureTun = async (device: string, configuration: TunConfiguration): Promise<void> => {
  const { mtu, addresses = [], up = false, namespace } = configuration;
  const inside = namespace === undefined ? [] : ['-n', namespace];
  if (mtu !== undefined) await run('ip', [...inside, 'link', 'set', 'dev', device, 'mtu', String(mtu)]);
  for (const address of addresses) {
    // An IPv6 address must be usable at once: a TUN has no neighbour that could hold the same.
    const nodad = address.includes(':') ? ['nodad'] : [];
    await run('ip', [...inside, 'address', 'add', address, 'dev', device, ...nodad]);
  }
  if (up) await run('ip', [...inside, 'link', 'set', 'dev', device, 'up']);
};
