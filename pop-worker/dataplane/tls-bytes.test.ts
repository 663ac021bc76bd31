import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { Level } from '#protocol/quic/ports.ts';
import { frame } from '#protocol/quic/testing/hostile/encode.ts';
import { sealedLong } from '#protocol/quic/testing/injector.ts';
import { Pair } from '#protocol/quic/testing/pair.ts';
import { pattern } from '#protocol/quic/testing/sinks.ts';

const PIECE = 1000;
const CAP = 65_536;
/** CRYPTO_ERROR with the alert internal_error (RFC 9001 §4.8). */
const TOO_MUCH = 0x100 + 80;

test('a ClientHello without end is an error once 64 KiB of it are there, and counted', () => {
  const authority = createAuthority();
  const identities = [authority.issue('localhost')];
  const ports = {
    crypto: opensslCrypto,
    clientTls: createTlsClientPort({ trustAnchors: authority.pem }),
    serverTls: createTlsServerPort({ identities, alpn: ['test'] }),
  };
  let isLost = true;
  const pair = new Pair({ ports, toServer: { delayUs: 1000, drop: () => isLost } });
  const connection = pair.connect();
  // What the client would begin with never arrives.
  pair.run(() => false, 1000);
  isLost = false;
  let sent = 0;
  // A connection that has ended is not among the server's any more.
  let server: Connection | undefined;
  for (; pair.serverSinks[0]?.closes.length !== 1 && sent < 2 * CAP; sent += PIECE) {
    // 128 KiB are announced.
    const bytes = sent === 0 ? Uint8Array.of(1, 2, 0, 0, ...pattern(PIECE - 4)) : pattern(PIECE);
    pair.sendToServer(sealedLong(connection, Level.initial, frame(0x06, sent, PIECE, bytes)));
    pair.run(() => false, 2000);
    server ??= pair.accepted;
  }
  assert.ok(sent > CAP - PIECE && sent < CAP + 2 * PIECE, `${sent} bytes`);
  assert.equal(pair.serverSink.closes[0]?.code, TOO_MUCH);
  assert.equal(server?.parts.counters.exceededTlsBytes, 1);
});
