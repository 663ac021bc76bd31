import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from '../testing/pair.ts';
import { RecordingSink } from '../testing/sinks.ts';
import { Version } from '../wire/packet/version.ts';

const { v1, v2 } = Version;
const BOTH = { versions: [v2, v1] };

/** A connection that began in version 1 and went on in version 2, and what it left for the next one. */
const upgraded = () => {
  const pair = new Pair({ client: BOTH, server: BOTH, connect: { version: v1 } });
  const connection = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length > 0));
  assert.ok(pair.run(() => connection.newToken !== undefined));
  assert.equal(connection.parts.version, v2);
  const again = (version: number) => {
    const sink = new RecordingSink();
    const [ticket] = pair.clientSink.tickets;
    const common = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink, version };
    const made = pair.client.connect(
      { ...common, ...(ticket && { ticket }), ...(connection.newToken && { token: connection.newToken }) },
      pair.now,
    );
    assert.ok(pair.run(() => sink.confirmed));
    return { made, sink };
  };
  return { pair, again };
};

test('a client shows a token only in the version that it was given in (RFC 9369 §5)', () => {
  const { again } = upgraded();
  assert.ok(again(v2).made.parts.handshake.token.length > 0);
  assert.equal(again(v1).made.parts.handshake.token.length, 0);
});

test('a server resumes a session only in the version that its ticket was given in (RFC 9369 §5)', () => {
  const { pair, again } = upgraded();
  assert.equal(again(v2).sink.handshake?.resumed, true);
  // The same server, by its keys, once it speaks version 1 only.
  const old = new Pair({ ports: pair.ports, client: { versions: [v1] }, server: { versions: [v1] } });
  const [ticket] = pair.clientSink.tickets;
  old.client.connect(
    {
      remote: old.serverAddress,
      serverName: 'localhost',
      alpn: ['test'],
      sink: old.clientSink,
      ...(ticket && { ticket }),
    },
    old.now,
  );
  assert.ok(old.run(() => old.clientSink.confirmed));
  assert.equal(old.clientSink.handshake?.resumed, false);
});
