import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';

/** Does a table of `/proc/net/udp` or `udp6` hold a socket that is bound to the port? */
export const holdsPort = (table: string, port: number): boolean => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => line.trim().split(/\s+/)[1]?.endsWith(suffix));
};

/** Is somebody bound to the UDP port in the network namespace of the process? For programs that do not say so. */
export const isBound = (pid: number, port: number): boolean =>
  ['udp', 'udp6'].some((name) => {
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
