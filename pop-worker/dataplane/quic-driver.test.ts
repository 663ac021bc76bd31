import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { D_LENGTH, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { pattern, RecordingSink } from '#protocol/quic/testing/sinks.ts';
import { type DatagramPort, QuicDriver } from './quic-driver.ts';

const authority = createAuthority();
const identities = [authority.issue('localhost')];

const common = {
  config: DEFAULT_ENDPOINT_CONFIG,
  quic: { ...DEFAULT_CONFIG, controller: controllerNamed('newreno') },
  crypto: opensslCrypto,
  random: { fill: (bytes: Uint8Array) => void randomFillSync(bytes) },
  tokenKey: new Uint8Array(32),
};

const LOOPBACK = { address: '127.0.0.1', port: 0 };

/** A server and a client of one process over sockets of one loopback address. */
const open = (
  t: { after(done: () => void): void },
  host: string,
  wrap: (socket: UdpSocket) => DatagramPort = (socket) => socket,
) => {
  const options = { address: host, port: 0 };
  const serverSocket = UdpSocket.open(options);
  const serverSink = new RecordingSink();
  const serverPort = createTlsServerPort({ identities, alpn: ['test'] });
  const server = new Endpoint({ ...common, tls: serverPort, accept: () => serverSink });
  const client = new Endpoint({ ...common, tls: createTlsClientPort({ trustAnchors: authority.pem }) });
  const drivers = [
    new QuicDriver({ socket: serverSocket, endpoint: server }),
    new QuicDriver({ socket: wrap(UdpSocket.open(options)), endpoint: client }),
  ];
  t.after(() => {
    for (const driver of drivers) driver.close();
  });
  const clientSink = new RecordingSink();
  const remote = addressOf(host, addressPort(serverSocket.localAddress()));
  const connection = client.connect({ remote, serverName: 'localhost', alpn: ['test'], sink: clientSink }, nowUs());
  return { connection, clientSink, serverSink, server, drivers };
};

/** Resolves when the condition holds, looked at after each event of the loop; the runner's time limit ends it else. */
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('quic driver', { timeout: 60_000 }, () => {
  for (const host of ['127.0.0.1', '::1']) {
    it(`carries streams and datagrams over ${host}, and closes`, async (t) => {
      const { connection, clientSink, serverSink, server } = open(t, host);
      const up = pattern(3 << 20, 2);
      const down = pattern(3 << 20, 3);
      serverSink.onStreamData = (accepted, stream, fin) => {
        if (fin) accepted.write(stream, down, true);
      };
      await until(() => clientSink.confirmed);
      connection.write(connection.openStream(true), up, true);
      for (let i = 0; i < 20; i++) assert.ok(connection.sendDatagram(pattern(500, i), 0, 500));
      await until(() => clientSink.finished.has(0));
      assert.deepEqual(serverSink.bytes(0), up);
      assert.deepEqual(clientSink.bytes(0), down);
      assert.ok(serverSink.datagrams.length > 0);
      connection.close(5, 'done');
      await until(() => serverSink.closes.length === 1);
      assert.deepEqual(serverSink.closes, [{ by: 'remote', application: true, code: 5, reason: 'done' }]);
      await until(() => server.connections === 0);
    });
  }

  it('goes on when the socket is full for a while', async (t) => {
    let refusals = 0;
    let sends = 0;
    // Every third burst is refused, as by a full socket; it is writable again some time later.
    const narrow = (socket: UdpSocket): DatagramPort => ({
      receive: (burst) => socket.receive(burst),
      send: (burst, from) => {
        if (++sends % 3 !== 0) return socket.send(burst, from);
        refusals++;
        return from;
      },
      onReadable: (callback) => socket.onReadable(callback),
      onceWritable: (callback) => void setTimeout(callback, 2),
      close: () => socket.close(),
    });
    const { connection, clientSink, serverSink } = open(t, '127.0.0.1', narrow);
    await until(() => clientSink.confirmed);
    const data = pattern(2 << 20, 9);
    connection.write(connection.openStream(true), data, true);
    await until(() => serverSink.finished.has(0));
    assert.deepEqual(serverSink.bytes(0), data);
    assert.ok(refusals > 3);
  });

  it('looks for the next datagram before it sleeps, and takes what it finds', async (t) => {
    const looks = { found: 0, inVain: 0 };
    const taken: number[] = [];
    const [server, client] = [UdpSocket.open(LOOPBACK), UdpSocket.open(LOOPBACK)];
    const sink = new RecordingSink();
    sink.onStreamData = (accepted, stream, fin) => {
      if (fin) accepted.write(stream, pattern(1000, 5), true);
    };
    const tls = createTlsServerPort({ identities, alpn: ['test'] });
    const answering = new QuicDriver({
      socket: server,
      endpoint: new Endpoint({ ...common, tls, accept: () => sink }),
    });
    const endpoint = new Endpoint({ ...common, tls: createTlsClientPort({ trustAnchors: authority.pem }) });
    let answers = true;
    const look = (mostUs: number): boolean => {
      assert.ok(mostUs >= 0 && mostUs <= 100);
      // The other side is of this thread: it can only answer now.
      if (answers) answering.run(true);
      const found = client.look(mostUs);
      looks[found ? 'found' : 'inVain']++;
      const { receives } = asking.counters;
      // Before the event loop looks itself.
      if (found) queueMicrotask(() => taken.push(asking.counters.receives - receives));
      return found;
    };
    const asking = new QuicDriver({ socket: client, endpoint, look });
    t.after(() => {
      for (const driver of [answering, asking]) driver.close();
    });
    const told = new RecordingSink();
    const remote = addressOf('127.0.0.1', addressPort(server.localAddress()));
    const connection = endpoint.connect({ remote, serverName: 'localhost', alpn: ['test'], sink: told }, nowUs());
    await until(() => told.confirmed);
    let asked = 0;
    const ask = (): void => connection.write(connection.openStream(true), pattern(1000, asked++), true);
    told.onStreamData = (_connection, _stream, fin) => {
      if (fin && asked < 90) ask();
    };
    ask();
    await until(() => told.finished.size === 90);
    assert.ok(looks.found > 0);
    assert.deepEqual(taken, new Array(looks.found).fill(1));
    // What answers in a while is waited for asleep.
    answers = false;
    const before = looks.inVain;
    for (let i = 0; i < 100; i++) {
      asking.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const inVain = looks.inVain - before;
    assert.ok(inVain > 0 && inVain < 30, `${inVain} looks in vain`);
  });

  it('asks the socket only where something may wait', async (t) => {
    let asked = 0;
    let waiting = 0;
    // Once `waiting` is set, so many bursts are full of what is no QUIC.
    const counting = (socket: UdpSocket): DatagramPort => ({
      receive: (burst) => {
        asked++;
        if (waiting === 0) return socket.receive(burst);
        waiting--;
        while (burst.count < burst.capacity) {
          burst.words[burst.count * DESCRIPTOR_WORDS + D_LENGTH] = 4;
          burst.words[burst.count * DESCRIPTOR_WORDS + D_SEGMENT] = 4;
          burst.count++;
        }
        return burst.count;
      },
      send: (burst, from) => socket.send(burst, from),
      onReadable: (callback) => socket.onReadable(callback),
      onceWritable: (callback) => socket.onceWritable(callback),
      close: () => socket.close(),
    });
    const { connection, clientSink, serverSink, drivers } = open(t, '127.0.0.1', counting);
    const [, client] = drivers;
    await until(() => clientSink.confirmed);
    // What follows a handshake has come to its end.
    const { recovery } = connection.parts;
    await until(() => recovery.mtu.datagramBytes > 1400 && recovery.bytesInFlight === 0);
    const before = asked;
    assert.ok(connection.sendDatagram(pattern(500, 1), 0, 500));
    client?.run();
    assert.equal(asked, before, 'it was told to send');
    client?.run(true);
    assert.equal(asked, before + 1, 'what is there fits into one burst');
    waiting = 2;
    client?.run(true);
    assert.equal(asked, before + 4, 'after a full burst, until one is not full');
    await until(() => serverSink.datagrams.length === 1);
  });

  it('keeps time: a connection with nothing to say ends by itself', async (t) => {
    const { connection, clientSink } = open(t, '127.0.0.1');
    await until(() => clientSink.confirmed);
    connection.parts.idle.setPeerTimeout(300_000);
    await until(() => clientSink.closes.length === 1);
    assert.equal(clientSink.closes[0]?.by, 'idle');
  });
});
