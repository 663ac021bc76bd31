import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pair } from '../testing/pair.ts';
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
});
