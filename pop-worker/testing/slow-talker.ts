/**
 * A TCP server that says a byte each 400 ms to whoever connects, and a client that only listens and prints a line for each.
 * usage: slow-talker.ts serve|hear ADDRESS PORT
 */
import { connect, createServer } from 'node:net';

const EVERY_MS = 400;
const [role, host = '', port] = process.argv.slice(2);

if (role === 'serve') {
  const server = createServer((socket) => {
    const talking = setInterval(() => socket.write('x'), EVERY_MS);
    socket.on('error', () => {}).on('close', () => clearInterval(talking));
  });
  server.listen(Number(port), host);
} else {
  connect({ host, port: Number(port) }).on('data', (bytes) => process.stdout.write('heard\n'.repeat(bytes.length)));
}
