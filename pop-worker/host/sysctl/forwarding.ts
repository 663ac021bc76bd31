import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';

const NETNS_FOLDER = '/run/netns';

export const FORWARDING = {
  'net.ipv4.ip_forward': '/proc/sys/net/ipv4/ip_forward',
  'net.ipv6.conf.all.forwarding': '/proc/sys/net/ipv6/conf/all/forwarding',
} as const;

/** Names of the settings that would have to be 1 and are not; what the kernel lacks is not asked for. */
export const forwardingOff = (): string[] =>
  Object.entries(FORWARDING)
    .filter(([, file]) => {
      try {
        return readFileSync(file, 'utf8').trim() === '0';
      } catch {
        return false;
      }
    })
    .map(([name]) => name);

/** Whether a device has IPv6: the kernel has it, and nobody turned it off there. */
export const hasIpv6 = (device: string): boolean => {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${device}/disable_ipv6`, 'utf8').trim() === '0';
  } catch {
    return false;
  }
};

/** @throws Error of the file system when the process may not */
export const setForwarding = (): void => {
  for (const name of forwardingOff()) writeFileSync(FORWARDING[name as keyof typeof FORWARDING], '1');
};

const inode = (file: string): number | undefined => {
  try {
    return statSync(file).ino;
  } catch {
    return undefined;
  }
};

/** Whether this process is in a namespace that `ip netns` made: one that is ours to set up. */
export const inNamedNamespace = (): boolean => {
  const own = inode('/proc/self/ns/net');
  let names: string[] = [];
  try {
    names = readdirSync(NETNS_FOLDER);
  } catch {
    return false;
  }
  return names.some((name) => inode(`${NETNS_FOLDER}/${name}`) === own);
};
