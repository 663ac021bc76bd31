/** TCP ends for tests: `server ADDRESS PORT BYTES`, `client …`, `echo ADDRESS PORT`, `talk ADDRESS PORT`. */
import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';

const [role, address = '', port = '0', bytes = '0'] = process.argv.slice(2);
const content = Buffer.alloc(Number(bytes), 'cloudbridge');

const listen = (server: ReturnType<typeof createServer>): void => {
  server.listen(Number(port), address, () => process.stdout.write('listening\n'));
};

/** Takes the client's bytes, answers with their digest and bytes of its own. */
const serve = (): void =>
  listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      const hash = createHash('sha256');
      socket.on('data', (chunk) => hash.update(chunk));
      socket.on('end', () => {
        socket.write(hash.digest());
        socket.end(content);
      });
    }),
  );

const transfer = (): void => {
  const socket = connect({ host: address, port: Number(port), allowHalfOpen: true });
  const got: Buffer[] = [];
  socket.on('data', (chunk) => got.push(chunk));
  socket.on('end', () => {
    const all = Buffer.concat(got);
    const down = createHash('sha256').update(all.subarray(32)).digest('hex');
    process.stdout.write(JSON.stringify({ up: all.subarray(0, 32).toString('hex'), down }));
  });
  socket.end(content);
};

/** One line after the other, each when the one before came back; a new connection would say so. */
const talk = (): void => {
  const socket = connect({ host: address, port: Number(port) });
  let heard = 0;
  socket.on('connect', () => socket.write('x'));
  socket.on('data', () => {
    process.stdout.write(`heard ${++heard}\n`);
    setTimeout(() => socket.write('x'), 50);
  });
  socket.on('close', () => process.stdout.write('again\n'));
};

if (role === 'server') serve();
else if (role === 'client') transfer();
else if (role === 'talk') talk();
else listen(createServer((socket) => socket.pipe(socket)));
