import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeAckFrequency } from '../wire/frames/ack-frequency.ts';
import { sealedPacket } from './injector.ts';
import { address, Pair, type PairOptions, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

/** ACKs at the sender's wish (draft-ietf-quic-ack-frequency). */
export const ackSuite = (name: string, ports: (seed: number) => Ports): void => {
  const connected = (options: PairOptions = {}) => {
    const pair = new Pair({ ports: ports(1), ...options });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.run(() => false, 500_000);
    return { pair, connection };
  };

  describe(`ACK frequency, ${name}`, () => {
    it('follows ACK_FREQUENCY', () => {
      const { pair, connection } = connected();
      const frame = new Uint8Array(20);
      const length = writeAckFrequency(frame, 0, 0, 40, 100_000, 0);
      pair.sendToServer(sealedPacket(connection, frame.slice(0, length)));
      pair.run(() => false, 200_000);
      const before = pair.toServer.sent;
      const acks = pair.toClient.sent;
      connection.write(connection.openStream(true), pattern(500_000), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
      const share = (pair.toServer.sent - before) / (pair.toClient.sent - acks);
      assert.ok(share > 10, `${share} packets for each that came back`);
    });

    /** A transfer that leaves slow start with a large window, since one datagram is lost. */
    const bulk = (minAckDelayUs: number, losesFirst = false) => {
      const room = { initialMaxData: 16 << 20, initialMaxStreamDataBidiRemote: 16 << 20 };
      let n = 0;
      let lossUntil = 1501;
      const drop = () => ++n >= 1500 && n < lossUntil;
      const { pair, connection } = connected({
        server: { minAckDelayUs, ...room },
        toServer: { delayUs: 10_000, drop },
      });
      const { ackRequests } = connection.parts;
      const write = ackRequests.writeFrame.bind(ackRequests);
      ackRequests.writeFrame = (...where) => {
        if (losesFirst && ackRequests.framesWritten === 0) lossUntil = n + 70;
        return write(...where);
      };
      const taken: number[] = [];
      const { ack } = pair.accepted.parts.spaces[2];
      ack.onAckFrequency = (sequence) => taken.push(sequence);
      connection.write(connection.openStream(true), pattern(8_000_000), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
      return { asked: ackRequests.framesWritten, taken };
    };

    it('asks for fewer ACKs once much is in flight, of a peer that knows how', () => {
      const { asked, taken } = bulk(1000);
      assert.ok(asked > 0 && asked < 10, `${asked} frames`);
      assert.equal(taken[0], 0);
      assert.equal(bulk(0).asked, 0);
    });

    it('asks again when the asking was lost', () => {
      const { taken } = bulk(1000, true);
      assert.ok((taken[0] as number) > 0, taken.join());
    });

    it('asks for an ACK at once when a client has moved', () => {
      const { pair, connection } = connected();
      let demands = 0;
      const { ack } = pair.accepted.parts.spaces[2];
      const onImmediateAck = ack.onImmediateAck.bind(ack);
      ack.onImmediateAck = () => {
        demands++;
        onImmediateAck();
      };
      pair.clientAddress = address(3, 4100);
      assert.equal(connection.migrate(pair.clientAddress, pair.now), undefined);
      assert.ok(pair.run(() => demands > 0, 2_000_000));
    });

    for (const [who, minAckDelayUs, expected] of [
      ['of a peer that knows how', 1000, 1],
      ['by PING where it does not', 0, 0],
    ] as const) {
      it(`asks for an ACK at once when it probes, ${who}`, () => {
        let cut = false;
        const toServer = { delayUs: 10_000, drop: () => cut };
        const { pair, connection } = connected({ server: { minAckDelayUs }, toServer });
        let demands = 0;
        const { ack } = pair.accepted.parts.spaces[2];
        const onImmediateAck = ack.onImmediateAck.bind(ack);
        ack.onImmediateAck = () => {
          demands++;
          onImmediateAck();
        };
        // What is lost is not repeated, so that the probe has a frame of its own.
        cut = true;
        assert.ok(connection.sendDatagram(pattern(100), 0, 100));
        assert.ok(pair.run(() => pair.toServer.lost > 0));
        cut = false;
        assert.ok(pair.run(() => connection.parts.recovery.stats.probeTimeouts > 0, 5_000_000));
        assert.ok(pair.run(() => connection.parts.recovery.probeTimeouts === 0, 5_000_000));
        assert.equal(Math.min(demands, 1), expected);
      });
    }
  });
};
