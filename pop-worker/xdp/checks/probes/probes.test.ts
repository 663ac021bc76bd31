import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttp2, createSecureServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { listenQuic } from '#pop-worker/library/quic.ts';
import type { CheckResult, CheckWanted, GrpcCheck, HttpCheck } from '../wanted.ts';
import { probe } from './probe.ts';

const HERE = '127.0.0.1';
const COMMON = { intervalMs: 5000, timeoutMs: 2000, rise: 1, fall: 1 };
const authority = createAuthority();
const TRUSTED = { isVerified: true, authority: authority.pem };

const ask = (check: CheckWanted, backend = HERE): Promise<CheckResult> =>
  probe({ service: 's', backend, isDraining: false, check });

const is = (result: CheckResult, outcome: CheckResult['outcome'], reason: RegExp): void => {
  assert.equal(result.outcome, outcome, result.reason);
  assert.match(result.reason, reason);
  assert.match(result.reason, /^[\x20-\x7e]{1,200}$/);
};

/** @returns the port of a server, which is closed with all its connections after the test */
const listening = async (t: TestContext, server: Server, host = HERE): Promise<number> => {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, host), 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
};

/** A port where nobody listens. */
const nobodyAt = async (): Promise<number> => {
  const server = createServer();
  await once(server.listen(0, HERE), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

/** A server that answers whatever comes with these bytes. */
const saying = (t: TestContext, bytes: string | Buffer): Promise<number> =>
  listening(
    t,
    createServer((socket) => {
      socket.once('data', () => socket.end(bytes));
    }),
  );

/** A server that takes connections and says nothing. */
const silent = (t: TestContext): Promise<number> =>
  listening(
    t,
    createServer((socket) => socket.resume()),
  );

const http = (port: number, more: Partial<HttpCheck> = {}): HttpCheck => ({
  ...{ ...COMMON, kind: 'http', port, path: '/healthz', host: undefined, statuses: [], tls: TRUSTED, ...more },
});
const https = (port: number, more: Partial<HttpCheck> = {}): HttpCheck =>
  http(port, { kind: 'https', host: 'backend.test', ...more });
const grpc = (port: number, more: Partial<GrpcCheck> = {}): GrpcCheck => ({
  ...{ ...COMMON, kind: 'grpc', port, host: undefined, service: '', tls: undefined, ...more },
});

test('TCP: whoever takes connections is well, in either family', async (t) => {
  const port = await silent(t);
  is(await ask({ ...COMMON, kind: 'tcp', port }), 'passed', /connection was made/);
  const port6 = await listening(t, createServer(), '::1');
  is(await ask({ ...COMMON, kind: 'tcp', port: port6 }, '::1'), 'passed', /connection was made/);
});

test('every kind says that nobody listens', async () => {
  const port = await nobodyAt();
  for (const check of [
    { ...COMMON, kind: 'tcp' as const, port },
    { ...COMMON, kind: 'quic' as const, port },
    ...[http(port), https(port), grpc(port), grpc(port, { tls: TRUSTED })],
  ])
    is(await ask(check), 'failed', /nobody listens there \(ECONNREFUSED\)/);
});

test('every kind that asks something gives up on who says nothing', async (t) => {
  const port = await silent(t);
  const udp = createSocket('udp4');
  udp.bind(0, HERE);
  await once(udp, 'listening');
  t.after(() => udp.close());
  const checks = [http(port), https(port), grpc(port), grpc(port, { tls: TRUSTED })].map((check) => ({
    ...check,
    timeoutMs: 100,
  }));
  const all = [...checks, { ...COMMON, kind: 'quic' as const, timeoutMs: 100, port: udp.address().port }];
  for (const result of await Promise.all(all.map((check) => ask(check))))
    is(result, 'timedOut', /no answer within 100 ms/);
});

test('HTTP: path, host and status are those that the check says', async (t) => {
  const seen: string[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.statusCode = request.url === '/teapot' ? 418 : request.url === '/moved' ? 301 : 204;
    response.setHeader('location', '/healthz');
    response.end();
  };
  const port = await listening(t, createHttp(listener));
  is(await ask(http(port)), 'passed', /answered 204/);
  is(await ask(http(port, { path: '/teapot?x=1', statuses: [418] })), 'failed', /answered 204, where 418 is right/);
  is(await ask(http(port, { path: '/teapot', statuses: [200, 418], host: 'shop.test' })), 'passed', /answered 418/);
  is(await ask(http(port, { path: '/moved' })), 'failed', /answered 301, where 200 to 299 is right/);
  assert.deepEqual(seen, [
    `GET /healthz ${HERE}:${port}`,
    `GET /teapot?x=1 ${HERE}:${port}`,
    'GET /teapot shop.test',
    `GET /moved ${HERE}:${port}`,
  ]);
});

test('HTTP: bodies are read up to their limit, and must be whole below it', async (t) => {
  let sent = 0;
  const endless = createHttp((_, response) => {
    response.on('error', () => {});
    const more = (): void => {
      sent += 16_384;
      if (!response.destroyed) response.write(Buffer.alloc(16_384), more);
    };
    more();
  });
  is(await ask(http(await listening(t, endless))), 'passed', /more than 65536 bytes/);
  assert.ok(sent < 64 * 2 ** 20);
  const cut = await saying(t, 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this');
  is(await ask(http(cut)), 'failed', /ended before its body did/);
});

test('HTTP: what is no answer is a failure with its reason', async (t) => {
  const rows: [string | Buffer, RegExp][] = [
    ['SSH-2.0-OpenSSH_9.9\r\n', /not HTTP\/1\.1/],
    [Buffer.from([0x15, 3, 1, 0, 2, 2, 40]), /not HTTP\/1\.1/],
    ['', /reset|hang up/],
    [`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(10_000)}\r\n\r\n`, /head of the answer is too large/],
  ];
  for (const [bytes, reason] of rows) is(await ask(http(await saying(t, bytes))), 'failed', reason);
});

const identityOf = (name: string, names?: readonly string[]) => {
  const { certificateChain, privateKey } = authority.issue(name, names);
  return { cert: certificateChain, key: String(privateKey) };
};

const tlsServer = (t: TestContext, name: string, names?: readonly string[]): Promise<number> =>
  listening(
    t,
    createHttps(identityOf(name, names), (_, response) => void response.end('well')),
  );

test('HTTPS: the certificate is of the host, and of an authority that is trusted', async (t) => {
  const port = await tlsServer(t, 'backend.test');
  is(await ask(https(port)), 'passed', /answered 200/);
  is(await ask(https(port, { host: 'other.test' })), 'failed', /certificate is not trusted: .*altnames/);
  is(await ask(https(port, { host: undefined })), 'failed', /certificate is not trusted/);
  const unknown = { isVerified: true, authority: undefined };
  is(await ask(https(port, { tls: unknown })), 'failed', /certificate is not trusted: /);
  is(await ask(https(port, { tls: { ...unknown, isVerified: false }, host: 'other.test' })), 'passed', /200/);
  const byAddress = await tlsServer(t, HERE, [`IP:${HERE}`]);
  is(await ask(https(byAddress, { host: undefined })), 'passed', /answered 200/);
  is(await ask(https(await saying(t, 'HTTP/1.1 200 OK\r\n\r\n'))), 'failed', /TLS failed/);
});

/** A server of grpc.health.v1, written without our own messages. */
const healthServer = async (
  t: TestContext,
  answer: (stream: ServerHttp2Stream, asked: Buffer) => void,
  server: Http2Server = createHttp2(),
) => {
  const heads: Record<string, unknown>[] = [];
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    heads.push(headers);
    stream.on('error', () => {});
    const pieces: Buffer[] = [];
    stream.on('data', (data: Buffer) => pieces.push(data));
    stream.once('end', () => answer(stream, Buffer.concat(pieces)));
  });
  return { port: await listening(t, server as unknown as Server), heads };
};

const answering = (hex: string, status: string) => (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.end(Buffer.from(hex, 'hex'));
};

test('gRPC: a server is well while it says SERVING', async (t) => {
  let asked = '';
  const { port, heads } = await healthServer(t, (stream, bytes) => {
    asked = bytes.toString('hex');
    answering('00000000020801', '0')(stream);
  });
  is(await ask(grpc(port)), 'passed', /SERVING/);
  assert.equal(asked, '0000000000');
  is(await ask(grpc(port, { service: 'shop.v1.Cart', host: 'shop.test' })), 'passed', /SERVING/);
  assert.equal(asked, `000000000e0a0c${Buffer.from('shop.v1.Cart').toString('hex')}`);
  const [first, second] = heads;
  assert.equal(first?.[':path'], '/grpc.health.v1.Health/Check');
  assert.deepEqual(
    [first?.[':method'], first?.['content-type'], first?.['te'], first?.[':authority']],
    ['POST', 'application/grpc', 'trailers', `${HERE}:${port}`],
  );
  assert.equal(second?.[':authority'], 'shop.test');
});

test('gRPC: what is said before the connection goes counts, and TLS is as with HTTPS', async (t) => {
  const ending = await healthServer(t, (stream) => {
    stream.session?.goaway(0);
    answering('00000000020801', '0')(stream);
  });
  is(await ask(grpc(ending.port)), 'passed', /SERVING/);
  const server = createSecureServer(identityOf('backend.test'));
  const { port } = await healthServer(t, answering('00000000020801', '0'), server as unknown as Http2Server);
  is(await ask(grpc(port, { tls: TRUSTED, host: 'backend.test' })), 'passed', /SERVING/);
  is(await ask(grpc(port, { tls: TRUSTED, host: 'other.test' })), 'failed', /certificate is not trusted/);
  is(await ask(grpc(port, { tls: { isVerified: false, authority: undefined } })), 'passed', /SERVING/);
});

test('gRPC: whatever else it says is a failure with its reason', async (t) => {
  const rows: [(stream: ServerHttp2Stream) => void, RegExp][] = [
    [answering('00000000020802', '0'), /it is NOT_SERVING/],
    [answering('00000000020803', '0'), /it is SERVICE_UNKNOWN/],
    [answering('0000000000', '0'), /it is UNKNOWN/],
    [answering('00000000020809', '0'), /no message of grpc\.health\.v1/],
    [answering('01000000020801', '0'), /no message of grpc\.health\.v1/],
    [answering('0000000002', '0'), /no message of grpc\.health\.v1/],
    [answering('', '0'), /no message of grpc\.health\.v1/],
    [answering('00000000020801', '14'), /the status 14 of gRPC/],
    [answering('00'.repeat(2000), '0'), /more than 1024 bytes/],
    [(stream) => stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }), /the status 12/],
    [(stream) => stream.respond({ ':status': 404 }, { endStream: true }), /answered 404, not as gRPC does/],
    [(stream) => stream.respond({ ':status': 200 }, { endStream: true }), /no status of gRPC/],
    [(stream) => stream.close(2), /NGHTTP2_INTERNAL_ERROR/],
    [(stream) => stream.session?.goaway(2), /closed with error code 2/],
    [(stream) => stream.session?.destroy(), /closed|reset|CANCEL|no status/],
  ];
  for (const [answer, reason] of rows) {
    const { port } = await healthServer(t, answer);
    is(await ask(grpc(port)), 'failed', reason);
  }
  is(await ask(grpc(await saying(t, 'HTTP/1.1 400 Bad Request\r\n\r\n'))), 'failed', /./);
});

test('QUIC: whoever answers by Version Negotiation is well, and noise is no answer', async (t) => {
  const identities = [authority.issue('backend.test')];
  const server = listenQuic({ address: HERE, port: 0, alpn: ['test'], identities });
  t.after(() => server.close());
  is(await ask({ ...COMMON, kind: 'quic', port: server.port }), 'passed', /Version Negotiation/);
  const noise = createSocket('udp4', (datagram, { port, address }) => {
    for (const bytes of [Buffer.alloc(40), datagram, Buffer.alloc(0)]) noise.send(bytes, port, address);
  });
  noise.bind(0, HERE);
  await once(noise, 'listening');
  t.after(() => noise.close());
  const check: CheckWanted = { ...COMMON, kind: 'quic', timeoutMs: 100, port: noise.address().port };
  is(await ask(check), 'timedOut', /no answer within 100 ms/);
});
