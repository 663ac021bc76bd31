import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError } from './errors.ts';
import { Pair } from './testing/pair.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';

const bug = (): never => {
  throw new RangeError('a bug');
};

/** Where the sink of a connection may throw. */
const PLACES: readonly (readonly [name: string, broken: Partial<RecordingSink>])[] = [
  ['a completed handshake', { handshakeComplete: bug }],
  ['stream data', { streamData: bug }],
  ['stream data, and again at the end', { streamData: bug, closed: bug }],
  ['a datagram', { datagram: bug }],
];

for (const [name, broken] of PLACES) {
  test(`a bug at ${name} ends its connection and no other`, () => {
    const faults: unknown[] = [];
    const pair = new Pair({ server: { maxDatagramFrameSize: 1000 }, onFault: (error) => faults.push(error) });
    const connect = (): RecordingSink => {
      const sink = new RecordingSink();
      const options = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink };
      const connection = pair.client.connect(options, pair.now);
      sink.onComplete = () => {
        connection.sendDatagram(pattern(10), 0, 10);
        connection.write(connection.openStream(true), pattern(50_000), true);
      };
      return sink;
    };
    pair.onAccept = (sink) => void Object.assign(sink, broken);
    const first = connect();
    assert.ok(pair.run(() => pair.serverSinks.length === 1));
    pair.onAccept = () => {};
    connect();
    assert.ok(
      pair.run(() => pair.serverSinks[1]?.finished.has(0) === true, 5_000_000),
      'the other one goes on',
    );
    assert.deepEqual(pair.serverSinks[1]?.bytes(0), pattern(50_000));
    assert.equal(faults.length, broken.closed === undefined ? 1 : 2);
    assert.ok(pair.run(() => first.closes.length === 1));
    assert.equal(first.closes[0]?.code, TransportError.internalError);
    assert.ok(
      pair.run(() => pair.server.connections === 1),
      'it is forgotten',
    );
  });
}

test('without anybody to take it a bug is thrown on', () => {
  const pair = new Pair();
  pair.onAccept = (sink) => void Object.assign(sink, { handshakeComplete: bug });
  pair.connect();
  assert.throws(() => pair.run(() => pair.clientSink.confirmed), /a bug/);
});
