import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { TlsEvent, TlsServerOptions } from '#protocol/quic/ports.ts';
import { HandshakeDesk } from './handshake-desk.ts';
import type { OpensslSession } from './session.ts';
import { createAuthority } from './testing/certificates.ts';
import { CLIENT_PARAMETERS, SERVER_PARAMETERS } from './testing/handshake.ts';
import { createTlsClientPort, createTlsServerPort, MOST_WAITING, type TlsServerPortOptions } from './tls-port.ts';

const authority = createAuthority();
const identity = authority.issue('edge.test');
const client = createTlsClientPort({ trustAnchors: authority.pem });
const desk = new HandshakeDesk(2);
const ticketKeys = [new Uint8Array(80).fill(1)];

const serverPort = (more: Partial<TlsServerPortOptions> = {}) =>
  createTlsServerPort({ identities: [identity], alpn: ['h3'], earlyData: true, ticketKeys, desk, ...more });

interface Outcome {
  readonly session: OpensslSession;
  /** In words, as `crypto 0`. */
  readonly log: string[];
  readonly events: TlsEvent[];
}

const inWords = (event: TlsEvent): string =>
  event.type === 'crypto' || event.type === 'secret' ? `${event.type} ${event.level}` : event.type;

interface Wanted {
  readonly port?: ReturnType<typeof serverPort>;
  readonly ticket?: Uint8Array;
  readonly early?: TlsServerOptions['early'];
  /** Bytes of CRYPTO data at a time. */
  readonly pieceBytes?: number;
}

/** A handshake whose server is at the desk: both sides talk until the server is complete or has failed. */
const handshake = async ({ port = serverPort(), ticket, early, pieceBytes = 4096 }: Wanted = {}) => {
  const sides: { client: Outcome; server: Outcome } = { client: undefined as never, server: undefined as never };
  const end = Promise.withResolvers<void>();
  const takeAll = (from: Outcome, to: OpensslSession): void => {
    for (let event = from.session.next(); event !== undefined; event = from.session.next()) {
      from.log.push(inWords(event));
      from.events.push(event);
      if (event.type !== 'crypto') continue;
      for (let at = 0; at < event.data.length; at += pieceBytes)
        to.receive(event.level, event.data.subarray(at, at + pieceBytes));
    }
  };
  const talk = (): void => {
    takeAll(sides.server, sides.client.session);
    takeAll(sides.client, sides.server.session);
    if (sides.server.log.some((word) => word === 'complete' || word === 'alert')) end.resolve();
  };
  const outcome = (session: OpensslSession): Outcome => ({ session, log: [], events: [] });
  sides.server = outcome(
    port.server({ transportParameters: SERVER_PARAMETERS, ready: talk, ...(early !== undefined && { early }) }),
  );
  sides.client = outcome(
    client.client({
      ...{ serverName: 'edge.test', alpn: ['h3'], transportParameters: CLIENT_PARAMETERS, earlyData: true },
      ...(ticket !== undefined && { ticket }),
    }),
  );
  takeAll(sides.client, sides.server.session);
  assert.deepEqual(sides.server.log, [], 'nothing is said before the thread has answered');
  await end.promise;
  takeAll(sides.server, sides.client.session);
  return sides;
};

const completeOf = ({ events }: Outcome) => events.find((event) => event.type === 'complete');
const ticketOf = ({ events }: Outcome): Uint8Array => {
  const event = events.find(({ type }) => type === 'ticket');
  assert.ok(event?.type === 'ticket');
  return event.data;
};

describe('handshake threads', () => {
  it('say what the calling thread would have said, in that order', async () => {
    const there = await handshake();
    const here = createTlsServerPort({ identities: [identity], alpn: ['h3'], earlyData: true, ticketKeys });
    const server = here.server({ transportParameters: SERVER_PARAMETERS });
    const other = client.client({ serverName: 'edge.test', alpn: ['h3'], transportParameters: CLIENT_PARAMETERS });
    const log: string[] = [];
    for (let busy = true; busy; ) {
      busy = false;
      for (let event = other.next(); event !== undefined; event = other.next()) {
        if (event.type === 'crypto') server.receive(event.level, event.data);
        busy = true;
      }
      for (let event = server.next(); event !== undefined; event = server.next()) {
        log.push(inWords(event));
        if (event.type === 'crypto') other.receive(event.level, event.data);
        busy = true;
      }
    }
    assert.deepEqual(there.server.log, log);
    const exported = (side: Outcome) => side.session.exporter('EXPORTER-test', Uint8Array.of(1), 32);
    assert.deepEqual(exported(there.server), exported(there.client));
  });

  it('take bytes that come while they are at work, one by one too', async () => {
    const { server, client: other } = await handshake({ pieceBytes: 1 });
    assert.ok(completeOf(server) && completeOf(other));
  });

  it('resume sessions, and ask the owner of the session about early data', async () => {
    const early = (accepts: boolean) => {
      const asked: string[] = [];
      const bears = (context: Uint8Array) => asked.push(String.fromCharCode(...context)) > 0 && accepts;
      return { asked, early: { context: Uint8Array.from('limits', (c) => c.charCodeAt(0)), scope: 3, bears } };
    };
    const first = await handshake(early(true));
    const ticket = ticketOf(first.client);
    const yes = early(true);
    const accepted = await handshake({ ticket, early: yes.early });
    assert.deepEqual(yes.asked, ['limits']);
    assert.partialDeepStrictEqual(completeOf(accepted.server), { resumed: true, earlyData: 'accepted' });
    assert.ok(accepted.server.log.includes('secret 1'));
    const refused = await handshake({ ticket, early: early(false).early });
    assert.partialDeepStrictEqual(completeOf(refused.server), { resumed: true, earlyData: 'rejected' });
    // The session goes on: a new ticket for a resumed client.
    assert.ok(ticketOf(accepted.client).length > 0);
  });

  it('go on when the hook about early data throws: it is not taken, and whoever takes events hears of it', async () => {
    const ticket = ticketOf((await handshake()).client);
    const thrown: unknown[] = [];
    const bears = () => {
      throw new Error('from the hook');
    };
    const port = serverPort();
    const throwing: typeof port = {
      ...port,
      server: (options) => {
        const session = port.server(options);
        const next = session.next.bind(session);
        session.next = () => {
          try {
            return next();
          } catch (error) {
            thrown.push(error);
            return next();
          }
        };
        return session;
      },
    };
    const { server } = await handshake({
      port: throwing,
      ticket,
      early: { context: new Uint8Array(), scope: 0, bears },
    });
    assert.equal(String(thrown), 'Error: from the hook');
    assert.partialDeepStrictEqual(completeOf(server), { resumed: true, earlyData: 'rejected' });
  });

  it('tell what is wrong with a client', async () => {
    const { server } = await handshake({ port: serverPort({ alpn: ['other'] }) });
    assert.equal(server.log.at(-1), 'alert');
    assert.partialDeepStrictEqual(server.events.at(-1), { code: 120 });
  });

  it('keep certificates and ticket keys that are replaced while they are at work', async () => {
    const port = serverPort();
    const under = Array.from({ length: 20 }, () => handshake({ port }));
    const renewed = authority.issue('edge.test');
    port.replace({ identities: [renewed], ticketKeys: [new Uint8Array(80).fill(2)] });
    port.setTicketKeys([new Uint8Array(80).fill(3)]);
    const after = await handshake({ port });
    for (const { server } of await Promise.all(under)) assert.ok(completeOf(server));
    const certificate = (side: Outcome) => {
      const complete = completeOf(side);
      return complete?.type === 'complete' ? complete.peerCertificate : undefined;
    };
    assert.notDeepEqual(certificate(after.client), certificate((await under[0])?.client as Outcome));
  });

  it('drop what they do for a session that is closed, and nobody hears of it', async () => {
    const port = serverPort();
    const said: number[] = [];
    for (let i = 0; i < 200; i++) {
      const session = port.server({ transportParameters: SERVER_PARAMETERS, ready: () => said.push(i) });
      const event = client
        .client({ serverName: 'edge.test', alpn: ['h3'], transportParameters: CLIENT_PARAMETERS })
        .next();
      assert.ok(event?.type === 'crypto');
      session.receive(0, event.data);
      session.close();
      session.receive(0, event.data);
      assert.equal(session.next(), undefined);
    }
    await handshake();
    while (desk.away > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(said, []);
  });

  it('refuse more bytes at once than a handshake has', async () => {
    const port = serverPort();
    const end = Promise.withResolvers<void>();
    const session = port.server({ transportParameters: SERVER_PARAMETERS, ready: () => end.resolve() });
    for (let i = 0; i < 4; i++) session.receive(0, new Uint8Array(30_000).fill(1));
    await end.promise;
    const events: TlsEvent[] = [];
    for (let event = session.next(); event !== undefined; event = session.next()) events.push(event);
    assert.ok(events.some((event) => event.type === 'alert'));
    session.close();
  });

  it('are told of, with how long work waited and took', async () => {
    const done: number[][] = [];
    desk.onDone = (...times) => done.push(times);
    await handshake();
    desk.onDone = undefined;
    assert.ok(done.length >= 2);
    assert.ok(done.every(([waited = -1, worked = -1]) => waited >= 0 && worked > 0));
    assert.equal(desk.waiting, 0);
  });

  it('say how much waits for them, as a share of what may', async () => {
    const port = serverPort();
    assert.equal(port.load?.(), 0);
    const event = client
      .client({ serverName: 'edge.test', alpn: ['h3'], transportParameters: CLIENT_PARAMETERS })
      .next();
    assert.ok(event?.type === 'crypto');
    const sessions = Array.from({ length: 2 * MOST_WAITING }, () =>
      port.server({ transportParameters: SERVER_PARAMETERS, ready: () => {} }),
    );
    for (const session of sessions) session.receive(0, event.data);
    assert.ok((port.load?.() ?? 0) > 0.5, `${port.load?.()}`);
    for (const session of sessions) session.close();
    while (desk.away > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(port.load?.(), 0);
    assert.equal(createTlsServerPort({ identities: [identity], alpn: ['h3'] }).load, undefined);
  });

  it('do not hold up the end of a process, nor are they met by it in the middle of a handshake', async () => {
    const file = fileURLToPath(new URL('testing/desk-worker.ts', import.meta.url));
    for (const [ends, code] of [
      ['process.exit(7)', 7],
      ['throw new Error("the end")', 1],
    ] as const) {
      const data = { identities: [identity], trustAnchors: authority.pem };
      const source = `
        import { Worker } from 'node:worker_threads';
        const worker = new Worker(${JSON.stringify(file)}, { execArgv: [], workerData: ${JSON.stringify(data)} });
        worker.once('message', () => { ${ends} });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'ignore' });
      assert.deepEqual(await once(child, 'exit'), [code, null], ends);
    }
  });

  it('are threads of the process, with names, behind others', () => {
    const tasks = readdirSync('/proc/self/task').filter((task) =>
      readFileSync(`/proc/self/task/${task}/comm`, 'utf8').startsWith('cb-tls-'),
    );
    assert.equal(tasks.length, 2);
    const niceOf = (task: string) =>
      Number(readFileSync(`/proc/self/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
    const own = niceOf(String(process.pid));
    for (const task of tasks) assert.equal(niceOf(task), Math.min(19, own + 5));
  });

  it('are 1 to 64, and take nothing more once their desk is closed', () => {
    for (const threads of [0, 65, 1.5]) assert.throws(() => new HandshakeDesk(threads), RangeError);
    const other = new HandshakeDesk(1);
    const session = serverPort({ desk: other }).server({ transportParameters: SERVER_PARAMETERS, ready: () => {} });
    other.close();
    other.close();
    assert.throws(() => session.receive(0, Uint8Array.of(1)), { code: 'ERR_CLOSED' });
    session.close();
  });

  it('outlive a thread of connections that ends in the middle of handshakes', async () => {
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(new URL('testing/desk-worker.ts', import.meta.url), {
        workerData: { identities: [identity], trustAnchors: authority.pem },
      });
      await once(worker, 'message');
      await worker.terminate();
    }
    const { server } = await handshake();
    assert.ok(completeOf(server));
  });
});
