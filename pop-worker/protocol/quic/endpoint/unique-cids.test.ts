import assert from 'node:assert/strict';
import test from 'node:test';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { Burst } from '../../burst.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG } from '../config.ts';
import type { Connection } from '../connection.ts';
import { Endpoint } from '../endpoint.ts';
import { address, Pair, testPorts } from '../testing/pair.ts';
import { SeededRandom } from '../testing/random.ts';
import { RecordingSink } from '../testing/sinks.ts';
import type { EndpointOptions } from './maker.ts';

const endpoint = (change: Partial<EndpointOptions>): Endpoint => {
  const random = new SeededRandom(1);
  const { crypto, clientTls } = testPorts(random);
  return new Endpoint({
    config: DEFAULT_ENDPOINT_CONFIG,
    quic: { ...DEFAULT_CONFIG, controller: controllerNamed('newreno') },
    crypto,
    tls: clientTls,
    random,
    tokenKey: new Uint8Array(32),
    resetKey: new Uint8Array(32),
    ...change,
  });
};

test('connection IDs are drawn at random, all of one length, and none leads to two connections', () => {
  const pair = new Pair();
  for (let i = 0; i < 200; i++) pair.connect();
  assert.ok(pair.run(() => pair.serverSinks.filter((sink) => sink.confirmed).length === 200));
  pair.run(() => false, 1_000_000);
  const cids: Uint8Array[] = [];
  pair.server.forEach(({ parts }) => {
    parts.localCids.forEach((cid) => {
      cids.push(cid.slice());
    });
  });
  assert.equal(cids.length, 800);
  assert.equal(new Set(cids.map((cid) => cid.join())).size, 800);
  assert.ok(cids.every(({ length }) => length === 8));
  // Each bit is 1 in half of them: nothing stands in them that is the same for a connection, or grows.
  for (let bit = 0; bit < 64; bit++) {
    const ones = cids.filter((cid) => ((cid[bit >> 3] as number) >> (bit & 7)) & 1).length;
    assert.ok(ones > 300 && ones < 500, `bit ${bit}: ${ones}`);
  }
});

/** Reset tokens of the NEW_CONNECTION_ID frames that come to a connection from now on. */
const tokensTo = ({ parts: { peerCids } }: Connection): string[] => {
  const tokens: string[] = [];
  const take = peerCids.onNewConnectionId.bind(peerCids);
  peerCids.onNewConnectionId = (sequence, retirePriorTo, cid, token) => {
    tokens.push(token.join());
    take(sequence, retirePriorTo, cid, token);
  };
  return tokens;
};

test('RFC 9000 §10.3.2: no two connection IDs have one reset token, with a key of resets and without', () => {
  const toClient: string[][] = [];
  const toServer: string[][] = [];
  const observe = (connection: Connection) => {
    (connection.parts.isServer ? toServer : toClient).push(tokensTo(connection));
    return undefined;
  };
  const pair = new Pair({ observe });
  for (let i = 0; i < 20; i++) pair.connect();
  assert.ok(pair.run(() => pair.serverSinks.filter((sink) => sink.confirmed).length === 20));
  pair.run(() => false, 1_000_000);
  // The client of a pair has no key, its server has one.
  for (const tokens of [toClient.flat(), toServer.flat()]) {
    assert.ok(tokens.length >= 60, `${tokens.length}`);
    assert.equal(new Set(tokens).size, tokens.length);
    assert.ok(!tokens.includes(new Uint8Array(16).join()));
  }
});

test('an ID that leads to a connection is not given to another one', () => {
  let drawn = 0;
  const client = endpoint({ fillCid: (cid) => cid.fill(Math.floor(drawn++ / 3)) });
  const open = () =>
    client.connect({ remote: address(1, 443), serverName: 'localhost', alpn: ['test'], sink: new RecordingSink() }, 0);
  const made = [open(), open(), open()].map(({ parts }) => parts.handshake.scid[0]);
  assert.deepEqual(made, [0, 1, 2]);
});

test('a datagram that belongs elsewhere is answered by no reset', () => {
  const reset = (elsewhere: boolean) => {
    const server = endpoint({ stray: () => elsewhere });
    const burst = new Burst(100, 1);
    burst.buffer.fill(0x41);
    burst.commit(60, 0, address(2, 4000), 0, address(1, 443), 0);
    server.handle(burst, 0);
    return server.counters.statelessResetsSent;
  };
  assert.deepEqual([reset(true), reset(false)], [0, 1]);
});
