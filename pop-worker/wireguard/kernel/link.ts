import { withRequests } from '#host/netlink/requests.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { newLink } from '#protocol/netlink/link.ts';
import { StartError } from '../../start-error.ts';
import { checkName } from '../device.ts';

/** Of a link (IFLA_INFO_KIND). */
const KIND = 'wireguard';

const reasonOf = (name: string, error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EOPNOTSUPP' || code === 'ENOTSUP')
    return 'This machine’s kernel has no WireGuard: load the module with `modprobe wireguard`, or leave out --kernel.';
  if (code === 'EEXIST')
    return `There is an interface ${name} already: remove it with \`ip link delete ${name}\`, or choose another name.`;
  if (code === 'EPERM') return 'An interface may not be made by this user: run as root, or with CAP_NET_ADMIN.';
  return `The interface ${name} cannot be made: ${message}.`;
};

/** Makes an interface of the kernel's WireGuard. @returns its index @throws StartError */
export const addKernelLink = (name: string): number => {
  checkName(name);
  try {
    return withRequests((requests) => {
      requests.one('link', 'added', Flag.create | Flag.exclusive, newLink({ name, kind: KIND }));
      return requests.get('link', newLink({ name })).index;
    });
  } catch (error) {
    throw new StartError(reasonOf(name, error), { cause: error });
  }
};

/** Removes an interface, if it is still there. @throws KernelRefusal */
export const removeKernelLink = (index: number): void => {
  try {
    withRequests((requests) => requests.one('link', 'deleted', 0, newLink({ index })));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENODEV') throw error;
  }
};
