/** A client of its own process, so that it is in its namespace: told by lines what to do, it answers each with a line of JSON. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const PORT = 8080;
const PATIENCE_MS = 10_000;
const sockets: Socket[] = [];

const heard = async (socket: Socket): Promise<[Buffer]> =>
  (await once(socket, 'data', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [Buffer];

/** @returns the name that a server says first */
const open = async (address: string): Promise<string> => {
  const socket = connect({ host: address, port: PORT });
  const [data] = await heard(socket);
  socket.on('error', () => {});
  sockets.push(socket);
  return data.toString().trim();
};

/** @returns whether what is said comes back */
const isAlive = async (socket: Socket): Promise<boolean> => {
  if (socket.destroyed) return false;
  socket.write('again');
  try {
    const [data] = await heard(socket);
    return data.toString() === 'again';
  } catch {
    return false;
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  const [word, address = '', count = '0'] = line.split(' ');
  const names: string[] = [];
  for (let i = 0; word === 'open' && i < Number(count); i++) names.push(await open(address));
  const answer = word === 'open' ? names : await Promise.all(sockets.map(isAlive));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
