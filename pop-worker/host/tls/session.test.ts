import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { CipherSuite, Level } from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import { createAuthority } from './testing/certificates.ts';
import { drain, handshake, type Options } from './testing/handshake.ts';
import { createTlsClientPort, createTlsServerPort } from './tls-port.ts';

const authority = createAuthority();
const edge = authority.issue('edge.test');
const device = authority.issue('device-1');
const server = createTlsServerPort({ identities: [edge], alpn: ['h3'], clientTrustAnchors: authority.pem });
const client = createTlsClientPort({ trustAnchors: authority.pem, identity: device });
const NOTHING = new Uint8Array();
const shake = (options: Options = {}) => handshake(client, server, options);
const newServer = () => server.server({ transportParameters: NOTHING });
const newClient = () => client.client({ serverName: 'edge.test', alpn: ['h3'], transportParameters: NOTHING });

/** The ClientHello of a new client. */
const hello = (): Uint8Array => {
  const event = newClient().next();
  assert.ok(event?.type === 'crypto');
  return event.data;
};

/** Code of the last alert, and whether QUIC has an error of its own for it. */
const lastOf = (session: ReturnType<typeof newServer>): [number | undefined, boolean] => {
  let last: [number | undefined, boolean] = [undefined, false];
  for (let event = session.next(); event !== undefined; event = session.next()) {
    if (event.type === 'alert') last = [event.code, event.violation === true];
  }
  return last;
};
const lastAlert = (session: ReturnType<typeof newServer>): number | undefined => lastOf(session)[0];

describe('handshake bytes', () => {
  it('may come in pieces of any size', () => {
    for (let pieceBytes = 1; pieceBytes <= 700; pieceBytes += pieceBytes < 70 ? 1 : 37) {
      const both = shake({ pieceBytes });
      assert.ok(both.client.complete && both.server.complete, `pieces of ${pieceBytes}`);
      assert.equal(both.client.tickets.length, 1);
    }
  });

  it('wait until the turn of their level has come', () => {
    const one = { ...shake().client, session: newClient(), log: [], secrets: new Map() };
    const other = { ...one, session: newServer(), log: [], secrets: new Map() };
    drain(one, (level, data) => other.session.receive(level, data));
    const flight: [Level, Uint8Array][] = [];
    drain(other, (level, data) => flight.push([level, data]));
    assert.deepEqual(
      flight.map(([level]) => level),
      [Level.initial, Level.handshake],
    );
    for (const [level, data] of flight.reverse()) one.session.receive(level, data);
    one.complete = undefined;
    drain(one, (level, data) => other.session.receive(level, data));
    assert.ok(one.complete);
  });

  it('for a level that has passed, or for 0-RTT, are alert 10', () => {
    for (const level of [Level.initial, Level.handshake, Level.earlyData]) {
      const { session } = shake().client;
      session.receive(level, Uint8Array.of(1));
      assert.equal(lastAlert(session), 10);
    }
  });

  it('that go on past the end of their level are alert 10, and a violation of QUIC', () => {
    const session = newServer();
    session.receive(Level.initial, Uint8Array.from([...hello(), 1]));
    assert.deepEqual(lastOf(session), [10, true]);
  });

  it('that change nothing, change nothing', () => {
    const session = newServer();
    for (const level of Object.values(Level)) session.receive(level, NOTHING);
    assert.equal(session.next(), undefined);
    session.receive(Level.initial, hello());
    assert.equal(session.next()?.type, 'transport-parameters');
  });

  it('are bounded at every level', () => {
    for (const level of [Level.handshake, Level.oneRtt]) {
      const session = newServer();
      for (let sent = 0; sent < 65_536; sent += 4096) session.receive(level, new Uint8Array(4096));
      assert.equal(session.next(), undefined);
      session.receive(level, new Uint8Array(1));
      assert.equal(lastAlert(session), 80);
    }
    // A ClientHello that announces 128 KiB and goes on for ever.
    const session = newServer();
    session.receive(Level.initial, Uint8Array.of(1, 2, 0, 0));
    for (let sent = 0; sent < 65_536; sent += 4096) session.receive(Level.initial, new Uint8Array(4096));
    assert.equal(lastAlert(session), 80);
  });

  it('of post-handshake messages are not counted once they are read', () => {
    const { client: one, server: other } = shake();
    for (let i = 0; i < 100; i++) {
      other.session.issueTicket();
      drain(other, (level, data) => one.session.receive(level, data));
    }
    drain(one, () => assert.fail('a client does not answer tickets'));
    assert.equal(one.tickets.length, 101);
  });
});

describe('after the handshake', () => {
  it('TLS KeyUpdate is alert 10 (RFC 9001 §6)', () => {
    const keyUpdate = Uint8Array.of(24, 0, 0, 1, 0);
    for (const side of ['client', 'server'] as const) {
      const { session } = shake()[side];
      session.receive(Level.oneRtt, keyUpdate);
      assert.equal(lastAlert(session), 10);
    }
  });

  it('release keeps the exporter and lets nothing else in', () => {
    const both = shake();
    const before = both.server.session.exporter('label', Uint8Array.of(1), 99);
    both.server.session.release();
    both.client.session.release();
    assert.deepEqual(both.server.session.exporter('label', Uint8Array.of(1), 99), before);
    assert.deepEqual(both.client.session.exporter('label', Uint8Array.of(1), 99), before);
    both.server.session.release();
    both.server.session.receive(Level.oneRtt, NOTHING);
    assert.equal(both.server.session.next(), undefined);
    both.server.session.receive(Level.oneRtt, Uint8Array.of(24, 0, 0, 1, 0));
    assert.equal(lastAlert(both.server.session), 10);
    both.client.session.receive(Level.oneRtt, Uint8Array.of(4, 0, 0, 1, 0));
    assert.equal(both.client.session.next(), undefined);
  });

  it('release and exporter wait for the end of the handshake', () => {
    const session = newClient();
    assert.throws(() => session.release(), { code: 'ERR_TLS_STATE' });
    assert.throws(() => session.exporter('label', NOTHING, 16), { code: 'ERR_TLS_STATE' });
  });

  it('close ends everything and may be repeated', () => {
    const { session } = shake().server;
    session.close();
    session.close();
    session.receive(Level.oneRtt, Uint8Array.of(1));
    assert.equal(session.next(), undefined);
    assert.throws(() => session.exporter('label', NOTHING, 16), { code: 'ERR_TLS_STATE' });
  });
});

describe('keying material', () => {
  it('depends on label, context and length as RFC 8446 §7.5 says, and is bounded', () => {
    const { session } = shake().server;
    const base = session.exporter('label', NOTHING, 32);
    assert.notDeepEqual(session.exporter('label2', NOTHING, 32), base);
    assert.notDeepEqual(session.exporter('label', Uint8Array.of(0), 32), base);
    assert.notDeepEqual(session.exporter('label', NOTHING, 33).subarray(0, 32), base);
    assert.throws(() => session.exporter('label', NOTHING, 0), RangeError);
    assert.throws(() => session.exporter('label', NOTHING, 8161), RangeError);
    assert.throws(() => session.exporter('x'.repeat(250), NOTHING, 16), RangeError);
  });

  it('is what OpenSSL itself exports from the same secret', async () => {
    for (const [ciphers, suite] of [
      ['TLS_AES_128_GCM_SHA256', CipherSuite.aes128Gcm],
      ['TLS_AES_256_GCM_SHA384', CipherSuite.aes256Gcm],
    ] as const) {
      const listener = tls.createServer({ cert: edge.certificateChain, key: edge.privateKey as string, ciphers });
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const { port } = listener.address() as net.AddressInfo;
      const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.pem, servername: 'edge.test' });
      let secret = NOTHING;
      socket.on('keylog', (line: Buffer) => {
        const [label, , value = ''] = line.toString().trim().split(' ');
        if (label === 'EXPORTER_SECRET') secret = Uint8Array.from(Buffer.from(value, 'hex'));
      });
      await once(socket, 'secureConnect');
      const context = Buffer.from('context');
      const expected = Uint8Array.from(socket.exportKeyingMaterial(100, 'EXPORTER-test', context));
      assert.deepEqual(native.tlsExporterOf(suite, secret, 'EXPORTER-test', context, 100), expected);
      socket.destroy();
      listener.close();
      await once(listener, 'close');
    }
  });
});

describe('the key log', () => {
  it('has the secrets of both sides, and only when asked for', () => {
    const lines: string[] = [];
    const keyLog = (line: string): void => void lines.push(line);
    const logging = createTlsServerPort({ identities: [edge], alpn: ['h3'], keyLog });
    const both = handshake(client, logging);
    const labels = lines.map((line) => line.split(' ')[0]);
    assert.deepEqual(
      new Set(labels),
      new Set([
        'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
        'SERVER_HANDSHAKE_TRAFFIC_SECRET',
        'CLIENT_TRAFFIC_SECRET_0',
        'SERVER_TRAFFIC_SECRET_0',
        'EXPORTER_SECRET',
      ]),
    );
    const secret = Buffer.from(both.client.secrets.get('3 write')!).toString('hex');
    assert.ok(lines.some((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0 ') && line.endsWith(` ${secret}`)));
    const count = lines.length;
    shake();
    assert.equal(lines.length, count);
  });
});

describe('a hostile peer', () => {
  it('gets an alert or silence for any first bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...Object.values(Level)), fc.uint8Array({ maxLength: 300 })), {
          maxLength: 5,
        }),
        (pieces) => {
          for (const session of [newServer(), newClient()]) {
            for (const [level, data] of pieces) session.receive(level, data);
            for (let event = session.next(); event !== undefined; event = session.next()) {
              assert.ok(event.type !== 'complete' && event.type !== 'secret');
            }
            session.close();
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gets an alert or a handshake for any change of one byte, never a crash or a disagreement', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('client', 'server'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (from, where, flip) => {
          let total = 0;
          const tamper: Options['tamper'] = (sender, level, data) => {
            const at = sender === from && level !== Level.oneRtt ? (where % 2200) - total : -1;
            if (sender === from) total += data.length;
            if (at < 0 || at >= data.length) return data;
            const changed = data.slice();
            changed[at]! ^= flip;
            return changed;
          };
          const both = shake({ tamper });
          if (both.client.complete && both.server.complete) {
            assert.deepEqual(both.client.secrets.get('3 read'), both.server.secrets.get('3 write'));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('costs no memory for sessions that come to nothing', async () => {
    const waste = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const session = newServer();
        session.receive(Level.handshake, new Uint8Array(60_000));
        session.receive(Level.initial, i % 2 === 0 ? hello() : new Uint8Array(200).fill(i));
        // What was not closed is freed by the garbage collector, which only works between turns of the event loop.
        if (i % 4 !== 0) session.close();
        if (i % 20 === 0) await new Promise(setImmediate);
      }
    };
    await waste(500);
    const growth: number[] = [];
    for (let round = 0; round < 3; round++) {
      const before = process.memoryUsage.rss();
      await waste(1000);
      growth.push(process.memoryUsage.rss() - before);
    }
    // 1000 sessions take over 60 MB as input alone, and their OpenSSL parts 50 MB: a leak grows in every round, the
    // garbage that waits for its collection in some.
    const grown = Math.min(...growth);
    assert.ok(grown < 20e6, `grew by ${grown} bytes`);
  });
});

describe('worker threads', () => {
  it('may end in the middle of handshakes', async () => {
    const source = new URL('./testing/handshake-worker.ts', import.meta.url);
    const identities = [{ certificateChain: edge.certificateChain, privateKey: edge.privateKey }];
    for (let round = 0; round < 6; round++) {
      const workers = [0, 1].map(() => new Worker(source, { workerData: { identities, trustAnchors: authority.pem } }));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      const codes = await Promise.all(workers.map((worker) => worker.terminate()));
      assert.deepEqual(codes, [1, 1]);
    }
    assert.ok(shake().server.complete);
  });
});
