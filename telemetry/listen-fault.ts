import { portOwner } from './port-owner.ts';

/** `port` is that of the error: paths of sockets have none. */
const ownerAndMend = (port: number | undefined): string => {
  const owner = port === undefined ? undefined : portOwner(port);
  return owner === undefined ? 'another process: end it (`ss -tlnp` shows it)' : `${owner}: end it`;
};

/**
 * Why nothing can listen there: one sentence with cause and mend.
 *
 * @param where `host:port`, or the path of a socket
 * @param error of the operating system
 * @param setting to change, for people: `[auth] listen`
 */
export const listenFault = (where: string, error: unknown, setting: string): string => {
  const { code, message, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is in use by ${ownerAndMend(port)} or change ${setting}`;
    case 'EADDRNOTAVAIL':
      return `${where}: this machine does not have that address: add it to an interface or change ${setting}`;
    case 'EACCES':
    case 'EPERM':
      return `${where} may not be opened: run as root, with CAP_NET_BIND_SERVICE, or change ${setting}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${where} has a name that cannot be resolved (${code}): write an address or change ${setting}`;
    default:
      return `${where} cannot be listened on (${code ?? message}): change ${setting}`;
  }
};

/** Whether it comes of what was to be listened on. */
export const isListenFault = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && ['listen', 'bind', 'getaddrinfo'].includes((error as NodeJS.ErrnoException).syscall ?? '');
