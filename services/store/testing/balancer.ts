import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Gives each request to the next of its copies, as a balancer without memory does; a dead one is passed over. */
export interface Balancer {
  readonly url: string;
  add(port: number): void;
  remove(port: number): void;
  close(): Promise<void>;
}

export const startBalancer = async (): Promise<Balancer> => {
  const ports: number[] = [];
  let turn = 0;
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, tries: number): void => {
    const port = ports[turn++ % ports.length];
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => {
      if (tries > 0) return forward(incoming, outgoing, body, tries - 1);
      outgoing.writeHead(502).end();
    });
    onward.end(body);
  };
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    forward(incoming, outgoing, Buffer.concat(chunks), ports.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (port) => ports.push(port),
    remove: (port) => ports.splice(ports.indexOf(port), 1),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
