import http from 'node:http';
import net from 'node:net';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const IPV4 = 1;
const IPV6 = 4;
/** Bytes of a reply up to its address, by the address's type (RFC 1928 §6). */
const REPLY_BYTES: Readonly<Record<number, number>> = { [IPV4]: 10, [IPV6]: 22 };
/** Reply: connection not allowed by ruleset. */
export const NOT_ALLOWED = 2;

/** The proxy's reply to a CONNECT, when it is not the one that succeeds. */
export class SocksRefusal extends Error {
  override readonly name = 'SocksRefusal';
  readonly reply: number;

  constructor(reply: number) {
    super(`the SOCKS5 proxy answers ${reply}`);
    this.reply = reply;
  }
}

const addressBytes = (host: string): Uint8Array => {
  if (net.isIPv4(host)) return Uint8Array.of(IPV4, ...host.split('.').map(Number));
  // URL writes all groups of an IPv6 address in hexadecimal; `::` stands for those that are not there.
  const [head = '', tail = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail)];
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.of(IPV6, ...all.flatMap((group) => [group >> 8, group & 0xff]));
};

/** Exactly so many bytes. */
const read = (socket: net.Socket, count: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the SOCKS5 proxy ended the connection'));
    const look = (): void => {
      const bytes: Buffer | null = socket.read(count);
      if (bytes === null) return;
      for (const event of ['end', 'close'] as const) socket.off(event, ended);
      socket.off('readable', look);
      socket.off('error', reject);
      if (bytes.length < count) ended();
      else resolve(bytes);
    };
    socket.on('readable', look).on('end', ended).on('close', ended).on('error', reject);
    look();
  });

/**
 * A TCP connection to an IP address through a SOCKS5 proxy (RFC 1928), without authentication.
 *
 * @param proxy host:port @param host text of an address @throws SocksRefusal, or what the socket throws
 */
export const connectBySocks = async (proxy: string, host: string, port: number): Promise<net.Socket> => {
  const at = proxy.lastIndexOf(':');
  const socket = net.connect({ host: proxy.slice(0, at), port: Number(proxy.slice(at + 1)), noDelay: true });
  try {
    socket.write(Uint8Array.of(VERSION, 1, NO_AUTHENTICATION));
    const [version, method] = await read(socket, 2);
    if (version !== VERSION || method !== NO_AUTHENTICATION)
      throw new Error('the SOCKS5 proxy wants to know who we are');
    socket.write(Uint8Array.of(VERSION, CONNECT, 0, ...addressBytes(host), port >> 8, port & 0xff));
    const head = await read(socket, 4);
    if (head[1] !== 0) throw new SocksRefusal(head[1] as number);
    await read(socket, (REPLY_BYTES[head[3] as number] ?? 4) - 4);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};

/** An agent whose connections go through a SOCKS5 proxy, if there is one. */
export const agentBy = (proxy: string | undefined, options: http.AgentOptions = {}): http.Agent => {
  const agent = new http.Agent(options);
  if (proxy === undefined) return agent;
  return Object.assign(agent, {
    createConnection: (to: net.TcpNetConnectOpts, created: (error: Error | null, socket?: net.Socket) => void) => {
      const host = (to.host ?? '').replace(/^\[(.*)\]$/, '$1');
      connectBySocks(proxy, host, to.port).then((socket) => created(null, socket), created);
    },
  });
};
