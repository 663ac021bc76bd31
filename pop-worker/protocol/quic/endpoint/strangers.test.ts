import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoPort } from '../ports.ts';
import { firstInitial } from '../testing/injector.ts';
import { Pair, testPorts } from '../testing/pair.ts';
import { SeededRandom } from '../testing/random.ts';
import { pattern, RecordingSink } from '../testing/sinks.ts';

const BACKLOG = { backlogDatagrams: 8 };

/** Opens one more connection of the client's. */
const open = (pair: Pair): RecordingSink => {
  const sink = new RecordingSink();
  pair.client.connect({ remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink }, pair.now);
  return sink;
};

describe('strangers', () => {
  it('wait while datagrams of connections are handled', () => {
    const pair = new Pair({ endpoint: BACKLOG });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.admits = false;
    const stranger = open(pair);
    const data = pattern(50_000);
    connection.write(connection.openStream(true), data, true);
    assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
    assert.deepEqual(pair.serverSink.bytes(0), data);
    assert.equal(pair.server.strangersWait, true);
    assert.equal(pair.server.counters.accepted, 1);
    pair.admits = true;
    assert.ok(pair.run(() => stranger.confirmed));
    assert.equal(pair.server.strangersWait, false);
    assert.equal(pair.server.counters.droppedBacklog, 0);
  });

  it('are heard in the order of their coming, all of a datagram once', () => {
    const pair = new Pair({ endpoint: BACKLOG, toServer: { delayUs: 1000 } });
    pair.admits = false;
    const sinks = [open(pair), open(pair), open(pair)];
    pair.run(() => false, 5000);
    const { datagramsReceived, bytesReceived } = pair.server.counters;
    assert.equal(datagramsReceived, 3);
    for (let heard = 1; heard <= 3; heard++) {
      assert.equal(pair.server.admit(pair.now), true);
      assert.equal(pair.server.counters.accepted, heard);
    }
    assert.equal(pair.server.admit(pair.now), false);
    assert.deepEqual([pair.server.counters.datagramsReceived, pair.server.counters.bytesReceived], [3, bytesReceived]);
    pair.admits = true;
    assert.ok(pair.run(() => sinks.every((sink) => sink.confirmed)));
  });

  it('that find no room are dropped and counted, and come again by themselves', () => {
    const pair = new Pair({ endpoint: BACKLOG, toServer: { delayUs: 1000 } });
    pair.admits = false;
    const sinks = Array.from({ length: 12 }, () => open(pair));
    pair.run(() => false, 5000);
    assert.equal(pair.server.counters.droppedBacklog, 4);
    pair.admits = true;
    assert.ok(pair.run(() => sinks.every((sink) => sink.confirmed)));
  });

  it('must show that they are where they say while many wait', () => {
    const pair = new Pair({ endpoint: BACKLOG, toServer: { delayUs: 1000 } });
    pair.admits = false;
    // The first is taken out of a queue in which two more than a quarter of its room wait.
    const sinks = [open(pair), open(pair), open(pair), open(pair)];
    pair.run(() => false, 5000);
    pair.server.admit(pair.now);
    sinks.push(...Array.from({ length: 3 }, () => open(pair)));
    pair.run(() => false, 5000);
    pair.server.admit(pair.now);
    assert.deepEqual([pair.server.counters.accepted, pair.server.counters.retriesSent], [1, 1]);
    pair.admits = true;
    assert.ok(pair.run(() => sinks.every((sink) => sink.confirmed)));
  });

  it('that come back with a token do not stand behind a flood again', () => {
    const pair = new Pair({ endpoint: { ...BACKLOG, retryAtHandshakes: 0 }, toServer: { delayUs: 1000 } });
    const returning = open(pair);
    // Hears the first packet, answers it by Retry, and no other one after that.
    pair.run(() => pair.server.counters.retriesSent === 1);
    pair.admits = false;
    for (let i = 0; i < 20; i++) open(pair);
    assert.ok(pair.run(() => pair.server.counters.droppedBacklog > 0));
    pair.run(() => false, 50_000);
    for (let heard = 0; heard < 2; heard++) pair.server.admit(pair.now);
    assert.equal(pair.server.counters.accepted, 1);
    assert.ok(pair.run(() => returning.confirmed));
  });

  it('that forge a packet make no connection', () => {
    const pair = new Pair({ endpoint: BACKLOG });
    const forged = pattern(1200);
    forged.set([0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x80]);
    pair.sendToServer(forged);
    pair.run(() => false, 100_000);
    assert.equal(pair.server.counters.droppedForged, 1);
    assert.equal(pair.server.connections, 0);
    assert.equal(pair.serverSinks.length, 0);
  });

  it('whose first packet ends its connection count as handshakes until they are forgotten', () => {
    const pair = new Pair({ endpoint: { retryAtHandshakes: 20, maxHandshakes: 1000 } });
    // A frame of no known type.
    const payload = Uint8Array.of(0x7f, 0xff);
    for (let i = 0; i < 100; i++) {
      pair.sendToServer(firstInitial(pair.ports.crypto, pattern(8, i), { payload }));
    }
    pair.run(() => false, 50_000);
    const { counters } = pair.server;
    assert.deepEqual([counters.accepted, counters.retriesSent, pair.server.handshakes], [20, 80, 20]);
    assert.ok(pair.serverSinks.every((sink) => sink.closes.length === 1));
    // Whoever shows where it is gets in meanwhile.
    const honest = open(pair);
    assert.ok(pair.run(() => honest.confirmed, 500_000));
    pair.run(() => false, 4_000_000);
    assert.equal(pair.server.handshakes, 0);
  });

  it('that are refused leave no keys behind', () => {
    const ports = testPorts(new SeededRandom(2));
    let made = 0;
    let open = 0;
    const crypto: CryptoPort = {
      ...ports.crypto,
      sealer(version, suite, secret) {
        const sealer = ports.crypto.sealer(version, suite, secret);
        const close = sealer.close.bind(sealer);
        sealer.close = () => {
          open--;
          close();
        };
        made++;
        open++;
        return sealer;
      },
    };
    const pair = new Pair({ ports: { ...ports, crypto }, endpoint: { maxConnections: 0 } });
    for (let i = 0; i < 5; i++) pair.sendToServer(firstInitial(ports.crypto, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, i)));
    pair.run(() => false, 100_000);
    assert.equal(pair.server.counters.refusedConnections, 5);
    assert.deepEqual([made, open], [5, 0]);
  });
});
