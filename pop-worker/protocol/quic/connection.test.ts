import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pair } from './testing/pair.ts';
import { pattern } from './testing/sinks.ts';

describe('connection', () => {
  it('shakes hands and transfers a stream', () => {
    const pair = new Pair();
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    const stream = connection.openStream(true);
    const data = pattern(100_000);
    connection.write(stream, data, true);
    assert.ok(pair.run(() => pair.serverSink.finished.has(stream)));
    assert.deepEqual(pair.serverSink.bytes(stream), data);
  });
});
