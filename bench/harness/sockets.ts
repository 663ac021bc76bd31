import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

export type Listening = { readonly protocol: 'udp' | 'tcp'; readonly port: number };

/** Does a table of `/proc/net/{udp,tcp}{,6}` hold a socket that is bound to the port? */
export const holdsPort = (table: string, port: number): boolean => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => line.trim().split(/\s+/)[1]?.endsWith(suffix));
};

/** Is the port taken in the network namespace of the process? For programs that do not say when they are ready. */
export const isBound = (pid: number, { protocol, port }: Listening): boolean =>
  [protocol, `${protocol}6`].some((name) => {
    try {
      return holdsPort(readFileSync(`/proc/${pid}/net/${name}`, 'latin1'), port);
    } catch {
      return false;
    }
  });

/** A UDP port of the loopback that nobody holds now. */
export const freeUdpPort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
