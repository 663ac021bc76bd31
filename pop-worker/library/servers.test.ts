import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { datagramsOf } from '#host/udp/testing/traffic.ts';
import { Burst } from '#protocol/burst.ts';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Connection } from '#protocol/quic/connection.ts';
import type { ServerToken } from '#protocol/quic/connection-parts.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { connectQuic, listenQuic, type QuicServer, type QuicSession, type ServerLimits } from './index.ts';
import { QuicSession as Session } from './session.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const PROGRAM = fileURLToPath(new URL('testing/server.ts', import.meta.url));

const listen = (t: TestContext, more: Partial<Parameters<typeof listenQuic>[0]> = {}): QuicServer => {
  const server = listenQuic({ address: '127.0.0.1', port: 0, alpn: ['test'], identities, ...more });
  t.after(() => server.close());
  return server;
};

const connectTo = async (t: TestContext, port: number): Promise<QuicSession> => {
  const where = { host: '127.0.0.1', port, serverName: 'library.test', alpn: ['test'] };
  const client = await connectQuic({ ...where, trustAnchors: authority.pem });
  t.after(() => client.close());
  return client;
};

/** A server of its own process, which is killed: it tells nobody that it goes. @returns its client and its port */
const killed = async (t: TestContext, reset: string | undefined): Promise<readonly [QuicSession, number]> => {
  const program = spawn(process.execPath, [PROGRAM, JSON.stringify({ port: 0, reset, identities })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => program.kill('SIGKILL'));
  const [said] = await once(program.stdout, 'data');
  const port = Number(said);
  const client = await connectTo(t, port);
  // What the server gave it by then has its reset tokens.
  await once(client, 'confirmed');
  const gone = once(program, 'exit');
  program.kill('SIGKILL');
  await gone;
  return [client, port];
};

/** Says something, and waits for what comes of it. */
const saidAfter = async (client: QuicSession, ms: number): Promise<string> => {
  const stream = await client.openStream(false);
  client.quic.write(stream, randomBytes(100), false);
  return Promise.race([client.closed.then(({ by }) => by), sleep(ms, 'silence', { ref: false })]);
};

test('a server with the key of the one that was killed tells its clients at once that they are forgotten', async (t) => {
  const reset = randomBytes(32);
  const [client, port] = await killed(t, reset.toString('hex'));
  listen(t, { port, keys: { reset } });
  assert.equal(await saidAfter(client, 10_000), 'reset');
});

test('a server without that key cannot: its clients do not believe it', async (t) => {
  const [client, port] = await killed(t, undefined);
  listen(t, { port });
  assert.equal(await saidAfter(client, 1500), 'silence');
});

type Strangers = { readonly count: number; readonly token?: ServerToken };
type Answers = ReadonlyMap<number, number>;

/** So many of a type are enough. */
const some =
  (type: number, least: number) =>
  (answers: Answers): boolean =>
    (answers.get(type) ?? 0) >= least;

/** First packets of so many clients, and what has come back when that is enough, or after 20 s: types of long headers, by their bits. */
const strangers = async (
  t: TestContext,
  port: number,
  { count, token }: Strangers,
  enough: (answers: Answers) => boolean,
): Promise<Answers> => {
  const burst = new Burst(count * 1500, count);
  const endpoint = new Endpoint({
    config: DEFAULT_ENDPOINT_CONFIG,
    // Of one datagram each.
    quic: { ...DEFAULT_CONFIG, controller: controllerNamed('newreno') },
    crypto: opensslCrypto,
    tls: createTlsClientPort({ trustAnchors: authority.pem, groups: 'X25519' }),
    random: systemRandom,
    tokenKey: new Uint8Array(32),
  });
  const remote = addressOf('127.0.0.1', port);
  for (let i = 0; i < count; i++) {
    const sink = new Session('web').sink;
    const common = { remote, serverName: 'library.test', alpn: ['test'], sink };
    endpoint.connect({ ...common, ...(token !== undefined && { token }) }, nowUs());
  }
  while (endpoint.poll(nowUs(), burst));
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const types = new Map<number, number>();
  socket.on('message', (packet) => {
    const type = ((packet[0] as number) >> 4) & 3;
    types.set(type, (types.get(type) ?? 0) + 1);
  });
  for (const { data } of datagramsOf(burst)) socket.send(data, port, '127.0.0.1');
  for (let i = 0; i < 400 && !enough(types); i++) await sleep(50);
  return types;
};

/** Type bits of long headers of version 1. */
const INITIAL = 0;
const RETRY = 3;

const FLOOD = { count: 480 };
const ONE = { count: 1 };
const any = (answers: Answers): boolean => answers.size > 0;

test('strangers wait behind connections by default, and come back with a token while many wait', async (t) => {
  const types = await strangers(t, listen(t).port, FLOOD, some(RETRY, 50));
  assert.ok(some(RETRY, 50)(types), `${types.get(RETRY)} were told to come back`);
  const { port } = listen(t, { limits: { backlogDatagrams: 0 } });
  const without = await strangers(t, port, FLOOD, some(INITIAL, 50));
  assert.deepEqual([...without.keys()], [INITIAL]);
});

const refusedBy = async (t: TestContext, limits: ServerLimits, before: (port: number) => Promise<unknown>) => {
  const { port } = listen(t, { limits });
  await before(port);
  // RFC 9000 §20.1: CONNECTION_REFUSED.
  await assert.rejects(connectTo(t, port), /closed by remote, code 2/);
};

test('clients beyond `maxConnections` and `maxHandshakes` are refused', async (t) => {
  await refusedBy(t, { maxConnections: 1 }, (port) => connectTo(t, port));
  await refusedBy(t, { maxHandshakes: 1 }, (port) => strangers(t, port, ONE, any));
});

test('with `retryAtHandshakes` 0 every client must come back with a token', async (t) => {
  const { port } = listen(t, { limits: { retryAtHandshakes: 0 } });
  const types = await strangers(t, port, ONE, any);
  assert.deepEqual([...types], [[RETRY, 1]]);
  await connectTo(t, port);
});

/** The token of NEW_TOKEN that a client was given. */
const tokenFrom = async (t: TestContext, port: number): Promise<ServerToken> => {
  const client = await connectTo(t, port);
  await once(client, 'confirmed');
  assert.ok(client.quic instanceof Connection);
  for (let i = 0; i < 100 && client.quic.newToken === undefined; i++) await sleep(10);
  assert.ok(client.quic.newToken !== undefined);
  return client.quic.newToken;
};

test('a token of NEW_TOKEN is taken by another server of the same key, and of no other', async (t) => {
  const keys = { token: randomBytes(32) };
  const limits = { retryAtHandshakes: 0 };
  const token = await tokenFrom(t, listen(t, { keys }).port);
  const other = await strangers(t, listen(t, { limits }).port, { ...ONE, token }, any);
  assert.deepEqual([...other.keys()], [RETRY]);
  const same = await strangers(t, listen(t, { limits, keys }).port, { ...ONE, token }, any);
  assert.deepEqual([...same.keys()], [INITIAL]);
});

test('a server that closes refuses who comes then, and may be closed again', async (t) => {
  const server = listen(t);
  const arriving = strangers(t, server.port, ONE, any);
  await Promise.all([server.close(), server.close()]);
  // CONNECTION_REFUSED is said in an Initial packet.
  assert.deepEqual([...(await arriving)], [[INITIAL, 1]]);
  assert.equal((await server.sessions.getReader().read()).done, true);
});
