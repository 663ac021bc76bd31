/**
 * A round-robin balancer in front of copies of a service: `node lab/balancer.ts HOST PORT TARGET…`, a target as
 * `host:port`. It moves bytes and looks at none of them, so TLS goes through. Announces `{ port }` once it listens.
 */
import net from 'node:net';

const CONNECT_TIMEOUT_MS = 1000;

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Connects to the first of the targets that answers, in order. */
const connectToOne = (targets: readonly Target[], done: (socket: net.Socket | undefined) => void): void => {
  const [target, ...others] = targets;
  if (target === undefined) {
    done(undefined);
    return;
  }
  const socket = net.connect({ ...target, noDelay: true, allowHalfOpen: true });
  const next = (): void => {
    socket.destroy();
    connectToOne(others, done);
  };
  socket.once('error', next);
  socket.setTimeout(CONNECT_TIMEOUT_MS, next);
  socket.once('connect', () => {
    socket.setTimeout(0);
    socket.off('error', next);
    done(socket);
  });
};

const join = (client: net.Socket, server: net.Socket): void => {
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('error', end);
    from.pipe(to);
  }
  client.on('close', end);
  server.on('close', end);
};

/** A server that spreads its connections; `listen` is the caller's. */
export const createBalancer = (targets: readonly Target[]): net.Server => {
  let turn = 0;
  return net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => client.destroy());
    const first = turn++ % targets.length;
    connectToOne([...targets.slice(first), ...targets.slice(0, first)], (server) => {
      if (server === undefined || client.destroyed) {
        server?.destroy();
        client.destroy();
      } else join(client, server);
    });
  });
};

export const parseTarget = (text: string): Target => {
  const at = text.lastIndexOf(':');
  const port = Number(text.slice(at + 1));
  if (at < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) throw new RangeError(`not host:port: ${text}`);
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port };
};

if (import.meta.main) {
  const [host = '127.0.0.1', port = '0', ...targets] = process.argv.slice(2);
  const server = createBalancer(targets.map(parseTarget));
  server.listen(Number(port), host, () => process.send?.({ port: (server.address() as net.AddressInfo).port }));
}
