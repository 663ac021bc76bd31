import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { contentDigest, contentSlices } from './content.ts';

const MOST_BYTES = 2 ** 34;
const SMALL = 'Hello from the internet host.\n';

export type ByteRange = { readonly from: number; readonly to: number };

/**
 * One `Range` of bytes (RFC 9110 §14.1.2) of a representation of `length` bytes, `to` exclusive. `unsatisfiable` as in
 * §15.5.17; undefined for what a server ignores (§14.2): no range, other units, several ranges, bad syntax.
 */
export const parseRange = (header: string | undefined, length: number): ByteRange | 'unsatisfiable' | undefined => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    const suffix = Math.min(Number(match[2]), length);
    return suffix === 0 ? 'unsatisfiable' : { from: length - suffix, to: length };
  }
  const from = Number(match[1]);
  const last = match[2] === '' ? length - 1 : Number(match[2]);
  if (last < from && match[2] !== '') return undefined;
  return from >= length ? 'unsatisfiable' : { from, to: Math.min(last + 1, length) };
};

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
};

const sendBytes = async (request: IncomingMessage, response: ServerResponse, length: number): Promise<void> => {
  const range = parseRange(request.headers.range, length);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${length}`, 'content-length': 0 });
    response.end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: length };
  response.writeHead(range ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': to - from,
    'accept-ranges': 'bytes',
    // RFC 9530 §3: of the whole representation, whichever part is sent.
    'repr-digest': `sha-256=:${contentDigest(length)}:`,
    ...(range && { 'content-range': `bytes ${from}-${to - 1}/${length}` }),
  });
  if (request.method === 'HEAD') response.end();
  else await pipeline(Readable.from(contentSlices(from, to)), response);
};

const receiveUpload = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  sendJson(response, 200, { bytes, sha256: hash.digest('hex') });
};

const echo = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { method, url, headers, socket } = request;
  if (method === 'GET') {
    sendJson(response, 200, { method, url, headers, from: socket.remoteAddress, port: socket.remotePort });
    return;
  }
  response.writeHead(200, { 'content-type': headers['content-type'] ?? 'application/octet-stream' });
  await pipeline(request, response);
};

const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const path = new URL(request.url ?? '/', 'http://internet').pathname;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const length = /^\/bytes\/(\d{1,11})$/.exec(path)?.[1];
  if (reads && length !== undefined && Number(length) <= MOST_BYTES) {
    await sendBytes(request, response, Number(length));
  } else if (reads && path === '/small') {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': SMALL.length });
    response.end(SMALL);
  } else if (path === '/echo') {
    await echo(request, response);
  } else if (request.method === 'POST' && path === '/upload') {
    await receiveUpload(request, response);
  } else {
    sendJson(response, 404, { error: `No ${request.method} ${path} here: /bytes/N, /small, /echo, POST /upload.` });
  }
};

/** A peer that breaks off in the middle is its own business; anything else is said and the connection closed. */
const onFailure = (error: unknown, response: ServerResponse): void => {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ECONNRESET' && code !== 'EPIPE') console.error(error);
  response.destroy();
};

/** What stands for the internet in the lab: an HTTP/1.1 server with `/bytes/N`, `/small`, `/echo` and `/upload`. */
export const createInternetService = (): http.Server =>
  http.createServer((request, response) => {
    handle(request, response).catch((error) => onFailure(error, response));
  });

/** Listens and resolves to the port, which is chosen by the system if 0 was asked for. */
export const listen = (server: http.Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
