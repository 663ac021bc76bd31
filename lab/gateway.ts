/**
 * Lets programs outside of the lab reach listeners inside: the parent listens on the machine's loopback and hands its
 * sockets over (as a message `{ host, port }` with the server); they are served from the namespace that this runs in.
 */
import net from 'node:net';
import { createBalancer } from './balancer.ts';

interface Order {
  readonly host: string;
  readonly port: number;
}

process.on('message', (order: Order, server: unknown) => {
  if (!(server instanceof net.Server)) return;
  const balancer = createBalancer([order]);
  server.on('connection', (socket) => balancer.emit('connection', socket));
  process.send?.({ serving: order.port });
});
process.send?.({ ready: true });
