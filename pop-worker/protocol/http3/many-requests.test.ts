import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http3Connection } from './connection.ts';
import { MemoryPair } from './testing/pair.ts';
import { seeded } from './testing/random.ts';
import { bytes, lines } from './testing/raw.ts';
import { Recorder } from './testing/recorder.ts';

const REQUESTS = 100_000;

/** Like Recorder, but forgets each stream when it is over: a server of long life. */
class Forgetful extends Recorder {
  ended = 0;
  aborts = 0;
  bodyBytes = 0;

  override end(http3: Http3Connection, stream: number): void {
    this.ended++;
    this.onEnd(http3, stream);
  }

  override aborted(): void {
    this.aborts++;
  }

  override closed(_http3: Http3Connection, stream: number): void {
    this.bodyBytes += this.streams.get(stream)?.body.length ?? 0;
    this.streams.delete(stream);
  }
}

test('100,000 requests, some cancelled, on one connection: each is answered or aborted, nothing stays', () => {
  const random = seeded(9114);
  const pair = new MemoryPair(1, { streamWindow: 2000, connectionWindow: 100_000 }, 2000);
  const client = new Forgetful();
  const server = new Forgetful();
  const c = new Http3Connection(pair.client, client);
  const s = new Http3Connection(pair.server, server);
  server.onEnd = (http3, stream) => {
    const size = (stream / 4) % 50;
    http3.respond(stream, lines(':status: 200', `content-length: ${size}`), size === 0);
    if (size > 0) http3.sendBody(stream, new Uint8Array(size), true);
  };
  pair.connect(c.events, s.events);
  const request = lines(':method: POST', ':scheme: https', ':authority: a.example', ':path: /', 'content-length: 3');
  const body = bytes('abc');
  let opened = 0;
  let cancelled = 0;
  while (opened < REQUESTS) {
    for (;;) {
      const stream = opened < REQUESTS ? c.openRequest(request, false) : -1;
      if (stream < 0) break;
      opened++;
      if (random() < 0.01) {
        cancelled++;
        c.cancel(stream);
      } else c.sendBody(stream, body, true);
    }
    pair.run();
  }
  assert.equal(client.ended, REQUESTS - cancelled);
  assert.equal(server.ended, REQUESTS - cancelled);
  assert.equal(client.aborts, 0, 'who cancels is not told of it');
  assert.ok(server.aborts <= cancelled);
  assert.equal(server.bodyBytes, 3 * (REQUESTS - cancelled));
  assert.equal(c.openRequests + s.openRequests + client.streams.size + server.streams.size, 0);
  assert.deepEqual([pair.client.window, pair.server.window], [100_000, 100_000], 'all credit came back');
  const critical = [...pair.client.wire.streams.keys()].every((id) => (id & 2) !== 0);
  assert.ok(critical && pair.client.wire.streams.size <= 6, 'only the control streams and those of QPACK');
  const { inserted, references } = c.qpackCounters;
  // `content-length: 3` and `:authority: a.example`; all requests but the first few by reference.
  assert.ok(inserted.sent >= 1 && inserted.sent < 10, `${inserted.sent} entries`);
  assert.ok(references.sent > REQUESTS * 0.9, `${references.sent} references`);
  assert.ok(s.qpackCounters.bytes.received <= 4096 && s.qpackCounters.bytes.held === 0);
});
