/**
 * Lets programs of the machine reach listeners in a namespace: the parent, which is outside, listens and hands its sockets
 * over (as a message `{ host, port }` with the server); they are served from the namespace that this runs in.
 */
import net from 'node:net';
import { createBalancer } from './balancer.ts';

/** Where connections go on to. */
export interface GatewayOrder {
  readonly host: string;
  readonly port: number;
}

process.on('message', (order: GatewayOrder, server: unknown) => {
  if (!(server instanceof net.Server)) return;
  const balancer = createBalancer([order]);
  // An option of the constructor, which sockets that were handed over have not been through.
  Object.assign(server, { allowHalfOpen: true });
  server.on('connection', (socket) => balancer.emit('connection', socket));
});
process.send?.({ ready: true });
