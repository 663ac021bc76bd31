import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkOptions } from './link.ts';
import { Pair, type Ports } from './pair.ts';
import { pattern } from './sinks.ts';

const isLong = (first: number): boolean => (first & 0x80) !== 0;

/** Links that lose, reorder, repeat and change datagrams. */
export const lossSuite = (name: string, ports: (seed: number) => Ports, seeds: number): void => {
  /** Echoes 50 kB and closes; everything must arrive whatever the link does. */
  const echo = (seed: number, link: LinkOptions, bytes = 50_000): Pair => {
    // A flight of several datagrams may need many probe timeouts.
    const patient = { handshakeTimeoutUs: 60_000_000 };
    const pair = new Pair({ seed, link, ports: ports(seed), client: patient, server: patient });
    const connection = pair.connect();
    const data = pattern(bytes, seed);
    pair.onAccept = (sink) => {
      sink.onStreamData = (server, stream, fin) => {
        if (fin) server.write(stream, sink.bytes(stream), true);
      };
    };
    pair.clientSink.onComplete = () => connection.write(connection.openStream(true), data, true);
    assert.ok(
      pair.run(() => pair.clientSink.finished.has(0), 120_000_000),
      `seed ${seed} does not finish`,
    );
    assert.deepEqual(pair.clientSink.bytes(0), data);
    connection.close(0, 'done');
    assert.ok(pair.run(() => pair.client.connections === 0 && pair.server.connections === 0, 120_000_000));
    const ends = pair.serverSinks.flatMap((sink) => sink.closes.map((info) => info.by));
    assert.ok(
      ends.every((by) => by === 'remote' || by === 'idle' || by === 'reset'),
      `seed ${seed}: ${ends}`,
    );
    return pair;
  };

  describe(`bad links, ${name}`, () => {
    for (const loss of [0.1, 0.3]) {
      it(`shakes hands though ${100 * loss} % of its packets are lost`, () => {
        for (let seed = 1; seed <= seeds; seed++) {
          const dice = new Pair({ seed }).random;
          echo(seed, {
            delayUs: 10_000,
            drop: ({ bytes }) => isLong(bytes[0] as number) && dice.next() < loss,
          });
        }
      });
    }

    it('sends two packets again when both were lost, not one of them and PING (RFC 9002 §6.2.4)', () => {
      let left = 0;
      const pair = new Pair({ ports: ports(1), toServer: { delayUs: 10_000, drop: () => left-- > 0 } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      // Until nothing is on its way.
      pair.run(() => false, 1_000_000);
      left = 2;
      const sent: number[] = [];
      pair.onClientSends = ({ bytes }) => sent.push(bytes.length);
      const data = pattern(2000, 1);
      const stream = connection.openStream(true);
      connection.write(stream, data, true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(stream)));
      // With a request for an ACK at once in it, perhaps.
      assert.ok(
        sent.slice(2, 4).every((size, i) => size - (sent[i] as number) < 4),
        sent.join(),
      );
      assert.deepEqual(pair.serverSink.bytes(stream), data);
    });

    it('sends no DATAGRAM frame twice, at no probe timeout and for no loss that it believes in (RFC 9221 §5.2)', () => {
      let isDeaf = false;
      const pair = new Pair({ ports: ports(1), toClient: { delayUs: 10_000, drop: () => isDeaf } });
      const connection = pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      pair.run(() => false, 1_000_000);
      // All arrives, and nothing of that is heard of: whatever is sent again comes twice.
      isDeaf = true;
      const stream = connection.openStream(true);
      const payload = new Uint8Array(200);
      for (let n = 0; n < 30; n++) {
        payload[0] = n;
        assert.ok(connection.sendDatagram(payload, 0, payload.length));
        // Some share their packets with what is sent again.
        if (n % 3 === 0) connection.write(stream, pattern(100, n), false);
        if (n % 5 === 0) pair.run(() => false, 20_000);
      }
      let sent = 0;
      pair.onClientSends = () => sent++;
      pair.run(() => false, 5_000_000);
      assert.ok(sent >= 6, `${sent} datagrams at probe timeouts`);
      // And what counts as lost once something is heard again.
      isDeaf = false;
      connection.write(stream, pattern(100, 1), true);
      assert.ok(pair.run(() => pair.serverSink.finished.has(stream)));
      pair.run(() => false, 1_000_000);
      assert.deepEqual(
        pair.serverSink.datagrams.map(([n]) => n),
        Array.from({ length: 30 }, (_, n) => n),
      );
    });

    it('transfers though 2 % of all packets are lost', () => {
      for (let seed = 1; seed <= seeds; seed++) echo(seed, { delayUs: 10_000, loss: 0.02 }, 300_000);
    });

    it('survives reordering and duplicates', () => {
      for (let seed = 1; seed <= seeds; seed++) echo(seed, { delayUs: 10_000, jitterUs: 8000, duplicate: 0.1 });
    });

    it('survives corruption', () => {
      for (let seed = 1; seed <= seeds; seed++) {
        const pair = echo(seed, { delayUs: 10_000, corrupt: 0.05 });
        assert.equal(pair.clientSink.closes.length, 1);
      }
    });

    it('survives all of it at once', () => {
      for (let seed = 1; seed <= seeds; seed++) {
        echo(seed, { delayUs: 30_000, jitterUs: 20_000, loss: 0.05, duplicate: 0.05, corrupt: 0.02, mtu: 1300 });
      }
    });
  });
};
