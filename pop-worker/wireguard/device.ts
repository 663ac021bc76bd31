import { existsSync } from 'node:fs';
import { configureTun } from '#host/tun/configure.ts';
import { TunDevice } from '#host/tun/device.ts';
import { StartError } from '../start-error.ts';

/** As wireguard-go: what IPv6 below, of 1,500 bytes, leaves. */
export const DEFAULT_MTU = 1420;
/** As `wg` has it; a `.` alone would be a folder. */
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9_=+.-]{1,15}$/;

const reasonOf = (name: string, error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EPERM' || code === 'EACCES')
    return 'A TUN may not be made by this user: run as root, or with CAP_NET_ADMIN.';
  if (code === 'ENOENT')
    return 'This machine has no /dev/net/tun: load the module with `modprobe tun`, or give the container that device.';
  if (code === 'EBUSY')
    return `The interface ${name} is in use by another process: end that one, or choose another name.`;
  if (code === 'EINVAL' && existsSync(`/sys/class/net/${name}`))
    return `There is an interface ${name} that is no TUN: remove it with \`ip link delete ${name}\`, or choose another name.`;
  return `The interface ${name} cannot be made: ${message}.`;
};

/** @throws StartError */
export const checkName = (name: string): void => {
  if (!NAME.test(name))
    throw new StartError(
      `\`${name}\` is no name of an interface: it has 1 to 15 letters, digits and characters of _=+.- alone.`,
    );
};

/** Makes the interface. @throws StartError */
export const openDevice = (name: string): TunDevice => {
  checkName(name);
  try {
    const device = TunDevice.open({ name, vnetHeader: true });
    configureTun(device.name, { mtu: DEFAULT_MTU });
    return device;
  } catch (error) {
    throw new StartError(reasonOf(name, error), { cause: error });
  }
};
