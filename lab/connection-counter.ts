import net from 'node:net';
import { ATTEMPTS } from './reach/reach.ts';

/** Counts connections to an address of the machine, from whomever. */
export interface ConnectionCounter {
  heard(): Promise<number>;
  /** Connects as a program of the machine does. @returns how often */
  askAsNeighbour(): Promise<number>;
  close(): Promise<void>;
}

const connectOnce = (address: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host: address, port });
    socket.on('error', reject);
    // The listener ends it when it has counted it.
    socket.on('close', () => resolve()).resume();
  });

/** Listens there until it is closed. */
export const countConnections = async (address: string, port: number): Promise<ConnectionCounter> => {
  let heard = 0;
  const server = net.createServer((socket) => {
    heard++;
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
  return {
    heard: async () => heard,
    askAsNeighbour: async () => {
      for (let i = 0; i < ATTEMPTS; i++) await connectOnce(address, port);
      return ATTEMPTS;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
