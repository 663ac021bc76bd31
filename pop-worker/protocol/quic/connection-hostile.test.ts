import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from './connection.ts';
import type { ConnectionCounters } from './counters.ts';
import { Level } from './ports.ts';
import { randomFrames, sealedPacket } from './testing/injector.ts';
import { address, Pair } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';
import { pattern } from './testing/sinks.ts';
import { writeVarint } from './wire/varint.ts';

const connected = (options: ConstructorParameters<typeof Pair>[0] = {}): [Pair, Connection] => {
  const pair = new Pair(options);
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  return [pair, connection];
};

const frame = (type: number, ...fields: (number | Uint8Array)[]): Uint8Array => {
  const out = new Uint8Array(200);
  let at = writeVarint(out, 0, type);
  for (const field of fields) {
    if (typeof field === 'number') at = writeVarint(out, at, field);
    else {
      out.set(field, at);
      at += field.length;
    }
  }
  return out.subarray(0, at);
};

/** How the server ends when the client sends these frames. */
const answerTo = (payload: Uint8Array, bits = 0) => {
  const [pair, connection] = connected();
  pair.sendToServer(sealedPacket(connection, payload, bits));
  pair.run(() => pair.serverSink.closes.length > 0, 1_000_000);
  return pair.serverSink.closes[0];
};

/** One-byte pieces of stream 0 with a hole behind each. */
const gaps = (from: number): Uint8Array =>
  Uint8Array.from(Array.from({ length: 10 }, (_, i) => [...frame(0x0e, 0, 1 + 2 * (from + i), 1, pattern(1))]).flat());

describe('hostile peers', () => {
  it('cannot make an endpoint throw by any frames', () => {
    const random = new SeededRandom(11);
    let closed = 0;
    for (let round = 0; round < 150; round++) {
      const [pair, connection] = connected({ seed: round });
      for (let packets = 0; packets < 20 && pair.serverSink.closes.length === 0; packets++) {
        pair.sendToServer(sealedPacket(connection, randomFrames(random)));
        pair.run(() => false, 20_000);
      }
      for (const info of pair.serverSink.closes) {
        assert.ok(info.by === 'local' || info.by === 'remote', info.by);
        assert.notEqual(info.code, 0x01, `INTERNAL_ERROR: ${info.reason}`);
        closed++;
      }
    }
    assert.ok(closed > 75, `only ${closed} were found out`);
  });

  it('cannot disturb a connection by garbage, whatever address it comes from', () => {
    const [pair, connection] = connected();
    const random = new SeededRandom(5);
    const data = pattern(200_000);
    connection.write(connection.openStream(true), data, true);
    const cids: Uint8Array[] = [];
    pair.onClientSends = ({ bytes }) => cids.push(bytes.slice(0, 9));
    for (let i = 0; i < 2000; i++) {
      const bytes = new Uint8Array(1 + random.below(1300));
      random.fill(bytes);
      // Half of it bears a connection ID that is in use.
      if (i % 2 === 0 && bytes.length > 9) bytes.set(cids[random.below(cids.length)] ?? []);
      pair.sendToServer(bytes);
      if (i % 50 === 0) pair.run(() => false, 1000);
    }
    assert.ok(pair.run(() => pair.serverSink.finished.has(0)));
    assert.deepEqual(pair.serverSink.bytes(0), data);
    assert.equal(pair.serverSink.closes.length, 0);
    assert.ok(pair.server.connections <= 2, `${pair.server.connections}`);
  });

  it('cannot replay packets', () => {
    const [pair, connection] = connected();
    const packet = sealedPacket(connection, frame(0x0a, 0, 5, pattern(5)));
    for (let i = 0; i < 5; i++) pair.sendToServer(packet);
    pair.run(() => false, 100_000);
    assert.equal(pair.serverSink.bytesReceived, 5);
    assert.equal(pair.accepted.parts.counters.droppedDuplicate, 4);
  });

  const violations: readonly (readonly [string, Uint8Array, number])[] = [
    ['an unknown frame', frame(0x21), 0x07],
    ['HANDSHAKE_DONE of a client', frame(0x1e), 0x0a],
    ['NEW_TOKEN of a client', frame(0x07, 3, pattern(3)), 0x0a],
    ['an ACK of what was never sent', frame(0x02, 5000, 0, 0, 0), 0x0a],
    ['a stream of ours that we did not open', frame(0x0a, 1, 1, pattern(1)), 0x05],
    ['more streams than we allowed', frame(0x0a, 4000, 1, pattern(1)), 0x04],
    ['data beyond flow control', frame(0x0e, 0, 1 << 29, 1, pattern(1)), 0x03],
    ['a final size that changes', new Uint8Array([...frame(0x04, 0, 0, 5), ...frame(0x04, 0, 0, 6)]), 0x06],
    ['an ID retired that was never issued', frame(0x19, 99), 0x0a],
    ['an ACK delay below our least', frame(0xaf, 0, 1, 10, 1), 0x0a],
    ['more CRYPTO than may be held', frame(0x06, 1 << 20, 1, pattern(1)), 0x0d],
  ];
  for (const [what, payload, code] of violations) {
    it(`are told what was wrong: ${what}`, () => {
      const closed = answerTo(payload);
      assert.equal(closed?.by, 'local');
      assert.equal(closed?.code, code);
    });
  }

  const exceeding: readonly (readonly [keyof ConnectionCounters, readonly Uint8Array[]])[] = [
    ['exceededFlowControl', [frame(0x0e, 0, 1 << 29, 1, pattern(1))]],
    ['exceededStreams', [frame(0x0a, 4000, 1, pattern(1))]],
    ['exceededConnectionIds', [5, 6, 7, 8, 9].map((n) => frame(0x18, n, 0, new Uint8Array([8, ...pattern(24, n)])))],
    ['exceededCryptoBuffer', [frame(0x06, 1 << 20, 1, pattern(1))]],
    ['ackedUnsent', [frame(0x02, 5000, 0, 0, 0)]],
    ['exceededGaps', Array.from({ length: 500 }, (_, k) => gaps(10 * k))],
  ];
  for (const [counter, payloads] of exceeding) {
    it(`are counted when they go beyond a limit: ${counter}`, () => {
      const [pair, connection] = connected();
      const { counters } = pair.accepted.parts;
      for (const payload of payloads) pair.sendToServer(sealedPacket(connection, payload));
      assert.ok(pair.run(() => pair.serverSink.closes.length > 0, 1_000_000));
      const names = Object.keys(counters) as (keyof ConnectionCounters)[];
      const counted = names.filter((name) => /^(exceeded|acked)/.test(name) && counters[name] > 0);
      assert.deepEqual([counted, counters[counter]], [[counter], 1]);
    });
  }

  it('get no word in once they forged too many packets (RFC 9001 §6.6)', () => {
    const phaseAfter = (forged: number) => {
      let quiet = false;
      const [pair, connection] = connected({ toClient: { delayUs: 10_000, drop: () => quiet } });
      const server = pair.accepted;
      quiet = true;
      server.parts.keys.onForged(Level.oneRtt, forged);
      const packet = sealedPacket(connection, frame(0x21));
      const broken = packet.slice();
      broken[broken.length - 1] = (broken[broken.length - 1] as number) ^ 1;
      pair.sendToServer(broken);
      pair.sendToServer(packet);
      assert.ok(pair.run(() => pair.serverSink.closes.length > 0, 100_000));
      pair.sendToServer(sealedPacket(connection, frame(0x1c, 0, 0, 0)));
      pair.run(() => false, 20_000);
      return [pair.serverSink.closes[0]?.code, server.parts.counters.exceededForgeries, server.parts.closer.phase];
    };
    assert.deepEqual(phaseAfter(2 ** 52), [0x0f, 1, 'closed']);
    assert.deepEqual(phaseAfter(0), [0x07, 0, 'closed'], 'that is how it would have ended');
  });

  it('gain nothing by resets and stops, again and again', () => {
    const [pair, connection] = connected();
    const { streams, counters } = pair.accepted.parts;
    for (let i = 0; i < 100; i++) connection.openStream(true);
    const before = counters.packetsSent;
    for (let round = 0; round < 20; round++) {
      for (let id = 0; id < 400; id += 20) {
        const frames = [0, 4, 8, 12, 16].flatMap((n) => [...frame(0x05, id + n, 7), ...frame(0x04, id + n, 7, 0)]);
        pair.sendToServer(sealedPacket(connection, Uint8Array.from(frames)));
      }
      pair.run(() => false, 5000);
      assert.ok(streams.size <= 100, `${streams.size}`);
    }
    pair.run(() => false, 1_000_000);
    assert.equal(streams.size, 0);
    assert.ok(counters.packetsSent - before < 300, `${counters.packetsSent - before}`);
    assert.equal(pair.serverSink.resets.length, 100);
  });

  it('that retire one connection ID after the other get as many as before', () => {
    const [pair, connection] = connected();
    pair.run(() => false, 100_000);
    const { localCids } = pair.accepted.parts;
    const { peerCids } = connection.parts;
    let retired = 0;
    for (let round = 0; round < 200; round++) {
      if (peerCids.assign(9)) retired++;
      peerCids.release(9);
      connection.sendDatagram(pattern(1), 0, 1);
      pair.run(() => false, 10_000);
      assert.ok(localCids.count <= 8, `${localCids.count}`);
    }
    assert.ok(retired > 100, `${retired}`);
    assert.equal(pair.serverSink.closes.length, 0);
  });

  for (const bits of [0x08, 0x10]) {
    it(`must leave the reserved bits alone: ${bits.toString(16)} (RFC 9000 §17.3.1)`, () => {
      const closed = answerTo(frame(0x01), bits);
      assert.deepEqual([closed?.by, closed?.code], ['local', 0x0a]);
    });
  }

  it('cannot make the server remember more than a few addresses', () => {
    const [pair, connection] = connected();
    const server = pair.accepted;
    for (let i = 0; i < 200; i++) {
      pair.rewriteFrom = () => address(10 + (i % 200), 1000 + i);
      pair.sendToServer(sealedPacket(connection, frame(0x01)));
      pair.run(() => false, 1000);
    }
    pair.run(() => false, 20_000);
    assert.ok(server.parts.paths.count <= 4, `${server.parts.paths.count}`);
  });

  it('may fill a DATAGRAM frame up to the declared size, its head included (RFC 9221 §3)', () => {
    const ends = (limit: number, payload: Uint8Array) => {
      const [pair, connection] = connected({ server: { maxDatagramFrameSize: limit } });
      pair.sendToServer(sealedPacket(connection, payload));
      pair.run(() => pair.serverSink.closes.length > 0, 1_000_000);
      const [close] = pair.serverSink.closes;
      return close === undefined ? undefined : [close.by, close.code];
    };
    const violation = ['local', 0x0a];
    const withLength = (bytes: number) => frame(0x31, bytes, new Uint8Array(bytes));
    const withoutLength = (bytes: number) => frame(0x30, new Uint8Array(bytes));
    assert.deepEqual([ends(52, withLength(50)), ends(51, withLength(50))], [undefined, violation]);
    assert.deepEqual([ends(51, withoutLength(50)), ends(50, withoutLength(50))], [undefined, violation]);
    assert.deepEqual([ends(0, withLength(0)), ends(0, withoutLength(9))], [violation, violation]);
  });

  it('get eight PATH_RESPONSE frames at once, and no more than one for a challenge', () => {
    const [pair, connection] = connected();
    const { counters } = pair.accepted.parts;
    const before = counters.packetsSent;
    for (let i = 0; i < 100; i++) {
      const challenges = new Uint8Array([...Array(50)].flatMap(() => [0x1a, ...pattern(8, i)]));
      pair.sendToServer(sealedPacket(connection, challenges));
    }
    pair.run(() => false, 100_000);
    assert.ok(counters.packetsSent - before < 60);
    assert.ok(counters.droppedChallenges > 0);
  });

  for (const elsewhere of [false, true]) {
    const where = elsewhere ? 'to an address of no window, an initial one' : 'where packets go';
    it(`get no more PATH_RESPONSE frames than the window lets through ${where}`, () => {
      let deaf = false;
      const [pair, connection] = connected({ toClient: { delayUs: 10_000, drop: () => deaf } });
      deaf = true;
      const { recovery } = pair.accepted.parts;
      let sent = 0;
      pair.onServerSends = ({ bytes }) => {
        // Not those that only acknowledge.
        if (bytes.length >= 1200) sent += bytes.length;
      };
      for (let i = 0; i < 2000; i++) {
        const challenge = new Uint8Array(elsewhere ? 1150 : 9);
        challenge.set([0x1a, ...pattern(8, i)]);
        pair.rewriteFrom = () => (elsewhere ? address(77, 4000) : undefined);
        pair.sendToServer(sealedPacket(connection, challenge));
        pair.rewriteFrom = () => undefined;
        pair.run(() => false, 100);
      }
      const window = elsewhere ? 10 * 1200 : recovery.controller.congestionWindow;
      // Probes of timeouts, and of the path that is asked besides, go in any case.
      assert.ok(sent >= window / 2 && sent <= window + 8 * 1200, `${sent} of ${window}`);
    });
  }

  it('cannot fill memory with packets that come before their keys', () => {
    const pair = new Pair();
    const connection = pair.connect();
    pair.run(() => pair.serverSinks.length > 0);
    const cid = connection.parts.handshake.peerScid ?? pair.accepted.parts.handshake.scid;
    for (let i = 0; i < 500; i++) {
      const packet = pattern(1200, i);
      packet[0] = 0x40;
      packet.set(cid, 1);
      pair.sendToServer(packet);
    }
    pair.run(() => pair.clientSink.confirmed);
    const { heldEarly, droppedEarly } = pair.accepted.parts.counters;
    assert.ok(heldEarly <= 16, `${heldEarly}`);
    assert.ok(droppedEarly > 400);
  });
});
