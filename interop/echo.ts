import { createSocket } from 'node:dgram';

/** Runs `work` beside a UDP echo on the loopback. @param work is given its address and port */
export const withEcho = async <T>(work: (target: string) => Promise<T>): Promise<T> => {
  const socket = createSocket('udp4');
  socket.on('message', (payload, { port, address }) => socket.send(payload, port, address));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  try {
    return await work(`127.0.0.1:${socket.address().port}`);
  } finally {
    socket.close();
  }
};
