import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import tls from 'node:tls';
import type * as oauth from 'openid-client';
import { CommandError } from '../failure.ts';
import { Names } from './names.ts';

/** How the services of an installation are reached and judged. */
export interface Reach {
  /** A PEM file of authorities; without it those that this machine trusts. */
  readonly ca?: string | undefined;
  /** `HOST:PORT` in URLs → where that is really reached, for tunnels and labs. Names in certificates stay those of the URL. */
  readonly connectTo?: Readonly<Record<string, string>> | undefined;
}

/** Connections to the services, kept open between calls. */
export interface Wire {
  /** What was connected to so far. */
  readonly names: Names;
  readonly agent: (url: string) => http.Agent;
  /** As `fetch`, for libraries that speak HTTP by themselves. Redirects are not followed. */
  readonly fetch: oauth.CustomFetch;
  close(): void;
}

const KEEP_ALIVE_MS = 15_000;
/** Longer answers than an OAuth server has any reason for are cut off. */
const MAX_ANSWER_BYTES = 1024 * 1024;

const anchorsOf = (file: string | undefined): string[] => {
  if (file === undefined) return [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
  try {
    return [readFileSync(file, 'utf8')];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`The file of authorities ${file} cannot be read (${code}): name another with --ca FILE.`);
  }
};

type Address = { readonly host: string; readonly port: number };

/** @returns undefined when it is not `HOST:PORT` */
export const parseHostPort = (text: string): Address | undefined => {
  const url = URL.parse(`tcp://${text}`);
  if (url === null || url.hostname === '' || url.port === '' || url.port === '0' || url.host !== text.toLowerCase())
    return undefined;
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
};

type Connecting = { readonly host?: string | null | undefined; readonly port?: string | number | null | undefined };

/** Where a connection goes that an agent wants to open. */
const targetOf = (connectTo: Reach['connectTo'], { host, port }: Connecting): Address => {
  const name = net.isIPv6(host ?? '') ? `[${host}]` : (host ?? '');
  const other = connectTo?.[`${name}:${port}`];
  return (other === undefined ? undefined : parseHostPort(other)) ?? { host: host ?? '', port: Number(port) };
};

type Open = (options: Connecting) => net.Socket;

class ClearAgent extends http.Agent {
  readonly #open: Open;

  constructor(open: Open) {
    super({ keepAlive: true });
    this.#open = open;
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    return this.#open(options);
  }
}

class TlsAgent extends https.Agent {
  readonly #open: Open;

  constructor(open: Open, ca: string[]) {
    super({ keepAlive: true, ca });
    this.#open = open;
  }

  override createConnection(options: https.RequestOptions): Duplex {
    const socket = this.#open(options);
    const secure = tls.connect({ ...(options as tls.ConnectionOptions), socket });
    // Before the handshake is over nobody else would hear of it.
    socket.on('error', (error) => secure.destroy(error));
    return secure;
  }
}

const readAnswer = async (response: http.IncomingMessage): Promise<Response> => {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) response.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
  });
  const body = await buffer(response);
  const headers = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const status = response.statusCode ?? 0;
  return new Response([204, 205, 304].includes(status) ? null : body, { status, headers });
};

export const openWire = (reach: Reach): Wire => {
  const names = new Names();
  const open: Open = (options) => {
    const { host, port } = targetOf(reach.connectTo, options);
    names.use(host, port);
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    return net.connect({ host, port, lookup: names.lookup, ...keepAlive });
  };
  const agents = new Map<string, http.Agent>();
  const agent = (url: string): http.Agent => {
    const { protocol } = new URL(url);
    let found = agents.get(protocol);
    if (found === undefined) {
      found = protocol === 'https:' ? new TlsAgent(open, anchorsOf(reach.ca)) : new ClearAgent(open);
      agents.set(protocol, found);
    }
    return found;
  };
  return {
    names,
    agent,
    fetch: async (url, { body, headers, method, signal }) => {
      const bytes = body === null || body === undefined ? undefined : await new Response(body as string).bytes();
      const send = url.startsWith('https:') ? https.request : http.request;
      // Outside of what is the network's fault: it reads the file of authorities.
      const through = agent(url);
      try {
        const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
          const request = send(url, { method, headers, agent: through, ...(signal && { signal }) }, resolve);
          request.on('error', reject);
          request.end(bytes);
        });
        return await readAnswer(response);
      } catch (cause) {
        // As `fetch` says it: who calls tells by the type that the network is to blame.
        throw signal?.aborted ? signal.reason : new TypeError('fetch failed', { cause });
      }
    },
    close: () => {
      for (const each of agents.values()) each.destroy();
    },
  };
};
