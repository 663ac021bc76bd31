import { createServer, type Server, type Socket } from 'node:net';
import { parseHost } from '#protocol/masque/target.ts';
import { ConnectFailure } from './failure.ts';
import type { LocalService } from './local-services.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Connections of one listener at once. */
const MAX_CONNECTIONS = 1024;

const LOOPBACK = '127.0.0.1';

/** `PORT`, `ADDRESS:PORT`, `[IPV6]:PORT`. @returns undefined for anything else; a name is no place to listen at */
export const parseListen = (text: string): HostPort | undefined => {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+|localhost)):)?([0-9]{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, v6, v4 = LOOPBACK, digits] = match;
  const host = v6 ?? (v4 === 'localhost' ? LOOPBACK : v4);
  const port = Number(digits);
  return port > 65_535 || typeof parseHost(host) !== 'object' ? undefined : { host, port };
};

/** `HOST:PORT`, IPv6 in brackets. */
export const formatHostPort = ({ host, port }: HostPort): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

const listenFailure = (code: string | undefined, at: HostPort, option: string): ConnectFailure => {
  const place = formatHostPort(at);
  if (code === 'EADDRINUSE')
    return new ConnectFailure(`${place} is in use: give another port with --${option}`, 'fatal');
  if (code === 'EACCES')
    return new ConnectFailure(`port ${at.port} needs privileges: give one above 1023 with --${option}`, 'fatal');
  if (code === 'EADDRNOTAVAIL')
    return new ConnectFailure(`${at.host} is no address of this machine (--${option})`, 'fatal');
  return new ConnectFailure(`cannot listen on ${place} (${code})`, 'fatal');
};

const listening = (server: Server, at: HostPort, option: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) => reject(listenFailure(code, at, option)));
    server.listen(at.port, at.host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : at.port);
    });
  });

/**
 * Listens for TCP connections, which are half-open and paused.
 *
 * @param option of the command line that said so @param kind what listens, for people
 */
export const listen = async (
  at: HostPort,
  option: string,
  kind: string,
  taken: (socket: Socket) => void,
): Promise<LocalService> => {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Who needs to know listens for 'close'.
    socket.on('error', () => {});
    taken(socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listening(server, at, option);
  server.on('error', () => {});
  return {
    label: `${kind} on ${formatHostPort({ host: at.host, port })}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
