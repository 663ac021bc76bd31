import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PacketType } from '../wire/packet/packet-type.ts';
import { packetTypes } from './observe.ts';
import { Pair, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

/** Handshake, streams, datagrams and flow control over a good link, whatever the ports. */
export const transferSuite = (name: string, ports: (seed: number) => Ports): void => {
  const make = (options: ConstructorParameters<typeof Pair>[0] = {}) => new Pair({ ports: ports(1), ...options });

  describe(`transfer, ${name}`, () => {
    it('completes and confirms the handshake on both sides', () => {
      const pair = make();
      const sizes: number[] = [];
      pair.onClientSends = ({ bytes }) => {
        if (packetTypes(bytes).includes(PacketType.initial)) sizes.push(bytes.length);
      };
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      assert.equal(pair.clientSink.handshake?.alpn, 'test');
      assert.equal(pair.serverSink.handshake?.alpn, 'test');
      assert.ok(pair.serverSink.confirmed);
      // RFC 9000 §14.1: the ClientHello, and what acknowledges the server's Initial packet.
      assert.ok(sizes.length > 1 && sizes.every((bytes) => bytes >= 1200), sizes.join());
      assert.equal(pair.server.handshakes, 0);
      assert.equal(pair.client.handshakes, 0);
      assert.ok((connection.newToken?.bytes.length ?? 0) > 16);
      // One round trip for the handshake, half of one more for HANDSHAKE_DONE.
      // TLS in another thread takes its time twice.
      const tlsUs = 2 * (ports(1).later?.delayUs ?? 0);
      assert.ok(pair.now <= 1_000_000 + 4 * 10_000 + 5000 + tlsUs, `${pair.now}`);
    });

    it('carries 1 MB each way at once', () => {
      const pair = make();
      const connection = pair.connect();
      const up = pattern(1 << 20, 2);
      const down = pattern(1 << 20, 3);
      let sent = false;
      pair.onAccept = (sink) => {
        sink.onStreamData = (server, stream) => {
          if (!sent) server.write(stream, down, true);
          sent = true;
        };
      };
      pair.clientSink.onComplete = () => connection.write(connection.openStream(true), up, true);
      assert.ok(pair.run(() => pair.clientSink.finished.has(0) && pair.serverSink.finished.has(0)));
      assert.deepEqual(pair.serverSink.bytes(0), up);
      assert.deepEqual(pair.clientSink.bytes(0), down);
      assert.ok(pair.run(() => pair.clientSink.closedStreams.has(0) && pair.serverSink.closedStreams.has(0)));
    });

    it('carries a hundred streams of both kinds', () => {
      const pair = make();
      const connection = pair.connect();
      const opened: number[] = [];
      pair.clientSink.onComplete = () => {
        for (let i = 0; i < 100; i++) {
          const stream = connection.openStream(i % 2 === 0);
          opened.push(stream);
          connection.write(stream, pattern(5000 + i, stream + 1), true);
        }
      };
      assert.ok(pair.run(() => opened.length === 100 && pair.serverSink.finished.size === 100));
      for (const [i, stream] of opened.entries()) {
        assert.deepEqual(pair.serverSink.bytes(stream), pattern(5000 + i, stream + 1));
      }
    });

    it('opens more streams than the first limit allows, as they are closed', () => {
      const pair = make({ server: { initialMaxStreamsUni: 3 } });
      const connection = pair.connect();
      let left = 20;
      const open = () => {
        while (left > 0) {
          const stream = connection.openStream(false);
          if (stream < 0) return;
          left--;
          connection.write(stream, pattern(100, stream), true);
        }
      };
      pair.clientSink.onComplete = open;
      pair.clientSink.onStreamsAvailable = open;
      assert.ok(pair.run(() => pair.serverSinks[0]?.finished.size === 20));
    });

    it('carries datagrams both ways, and drops none on a good link', () => {
      const pair = make();
      const connection = pair.connect();
      assert.equal(connection.maxDatagramBytes(), 0);
      pair.onAccept = (sink) => {
        sink.onComplete = (server) => {
          for (let i = 0; i < 20; i++) assert.ok(server.sendDatagram(pattern(1000, i), 0, 1000));
        };
      };
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const most = connection.maxDatagramBytes();
      assert.ok(most >= 1150 && most < 1200, `${most}`);
      assert.ok(!connection.sendDatagram(new Uint8Array(2000), 0, most + 1));
      for (let i = 0; i < 50; i++) assert.ok(connection.sendDatagram(pattern(most, i), 0, most));
      assert.ok(pair.run(() => pair.serverSink.datagrams.length === 50 && pair.clientSink.datagrams.length === 20));
      for (const [i, datagram] of pair.serverSink.datagrams.entries()) assert.deepEqual(datagram, pattern(most, i));
    });

    it('says when there is room for datagrams again', () => {
      const pair = make({ client: { datagramQueueCount: 64, datagramQueueBytes: 1 << 16 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      let sent = 0;
      const send = () => {
        while (sent < 500 && connection.sendDatagram(pattern(1000, sent), 0, 1000)) sent++;
      };
      pair.clientSink.onDatagramWritable = send;
      send();
      assert.ok(sent < 500);
      assert.ok(pair.run(() => pair.serverSink.datagrams.length === 500));
    });

    it('shares packets between datagrams and streams', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      connection.write(connection.openStream(true), pattern(200_000), true);
      for (let i = 0; i < 150; i++) connection.sendDatagram(pattern(1000, i), 0, 1000);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0) && pair.serverSink.datagrams.length === 150));
    });

    it('stalls when credit ends and goes on when it is given', () => {
      const pair = make({ server: { initialMaxStreamDataBidiRemote: 20_000, maxStreamWindow: 20_000 } });
      const connection = pair.connect();
      pair.onAccept = (sink) => {
        sink.consumes = false;
      };
      const data = pattern(100_000);
      pair.clientSink.onComplete = () => connection.write(connection.openStream(true), data, true);
      pair.run(() => false, 2_000_000);
      assert.equal(pair.serverSink.bytesReceived, 20_000);
      assert.equal(connection.bufferedBytes(0), 80_000);
      pair.serverSink.consumes = true;
      pair.accepted.consume(0, 20_000);
      assert.ok(pair.run(() => pair.serverSinks[0]?.finished.has(0) === true));
      assert.deepEqual(pair.serverSink.bytes(0), data);
    });

    it('resets and stops streams', () => {
      const pair = make();
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const stream = connection.openStream(true);
      connection.write(stream, pattern(1000), false);
      assert.ok(pair.run(() => pair.serverSink.bytesReceived === 1000));
      connection.reset(stream, 41);
      connection.stopSending(stream, 42);
      assert.ok(pair.run(() => pair.serverSink.resets.length === 1 && pair.serverSink.stops.length === 1));
      assert.deepEqual(pair.serverSink.resets, [{ stream, code: 41 }]);
      assert.deepEqual(pair.serverSink.stops, [{ stream, code: 42 }]);
    });

    it('updates keys, again and again', () => {
      const pair = make({ client: { keyUpdatePackets: 50 }, server: { keyUpdatePackets: 70 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      const stream = connection.openStream(true);
      const data = pattern(100_000);
      for (let i = 1; i <= 6; i++) {
        connection.write(stream, data, false);
        assert.ok(pair.run(() => pair.serverSink.bytesReceived === i * data.length));
        pair.run(() => false, 1_000_000);
      }
      assert.ok(pair.accepted.parts.counters.keyUpdates > 3, `${pair.accepted.parts.counters.keyUpdates}`);
      assert.equal(pair.accepted.parts.counters.droppedForged, 0);
    });

    it('finds out that the path takes larger datagrams', () => {
      const pair = make({ link: { delayUs: 5000, mtu: 1400 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 5_000_000);
      const bytes = connection.parts.recovery.mtu.datagramBytes;
      assert.ok(bytes > 1350 && bytes <= 1400, `${bytes}`);
    });
  });
};
