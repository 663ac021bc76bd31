import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshErrorCode } from '#protocol/mesh/errors.ts';
import type { HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { Link } from './link.ts';

const MIB = 1 << 20;

/** A link whose other side acknowledges nothing, and what became of it. */
const made = (isServer: boolean) => {
  const said = { buffered: 0, closed: undefined as number | undefined };
  const quic = {
    isServer,
    openStream: () => 0,
    bufferedBytes: () => said.buffered,
    write: (_stream: number, bytes: Uint8Array) => {
      said.buffered += bytes.length;
    },
    close: (code: number) => {
      said.closed = code;
    },
    consume: () => {},
  } as unknown as QuicConnection;
  const link = new Link(
    { identify: () => 2, stream: () => {}, datagram: () => {}, closed: () => {}, fault: () => {} },
    2,
  );
  link.handshakeComplete(quic, {} as HandshakeInfo);
  return { link, said };
};

test('a member that takes nothing of what it is sent loses its link; so much waits for it and no more', () => {
  for (const isServer of [false, true]) {
    const { link, said } = made(isServer);
    for (let i = 0; i < 16; i++) link.send(new Uint8Array(MIB));
    assert.deepEqual([link.isOpen, said.closed], [true, undefined], 'that much may wait');
    link.send(new Uint8Array(1));
    assert.deepEqual([link.isOpen, said.closed], [false, MeshErrorCode.stalled]);
    link.send(new Uint8Array(1));
    assert.equal(
      said.buffered,
      isServer ? 0 : 16 * MIB,
      'where who called has not opened the stream, all of it waits here',
    );
  }
});

test('the link of one that takes what it is sent stays, however much that is', () => {
  const { link, said } = made(false);
  for (let i = 0; i < 40; i++) {
    link.send(new Uint8Array(MIB));
    assert.equal(link.room(), said.buffered < MIB / 4);
    said.buffered = 0;
  }
  assert.deepEqual([link.isOpen, said.closed], [true, undefined]);
});
