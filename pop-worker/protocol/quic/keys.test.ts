import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_CONFIG } from './config.ts';
import { QuicError } from './errors.ts';
import { CLOSING_PACKETS, Keys } from './keys.ts';
import { CipherSuite, Level, OpenOutcome } from './ports.ts';
import { testCryptoPort } from './testing/crypto-port.ts';

/** RFC 9001 §6.6: packets under one key of AES-GCM. */
const CONFIDENTIALITY_LIMIT = 2 ** 23;
const suite = CipherSuite.aes128Gcm;
const secret = (n: number) => new Uint8Array(16).fill(n);

/** Both sides with 1-RTT keys. */
const both = (): [Keys, Keys] => {
  const client = new Keys(testCryptoPort(), false);
  const server = new Keys(testCryptoPort(), true);
  client.install(1, Level.oneRtt, 'write', suite, secret(1));
  server.install(1, Level.oneRtt, 'read', suite, secret(1));
  server.install(1, Level.oneRtt, 'write', suite, secret(2));
  client.install(1, Level.oneRtt, 'read', suite, secret(2));
  for (const keys of [client, server]) keys.confirm();
  return [client, server];
};

/** @returns the outcome at the receiver */
const send = (from: Keys, to: Keys, packetNumber: number): number => {
  const packet = new Uint8Array(64);
  packet[0] = 0x40 | (from.phase ? 4 : 0) | 1;
  packet[9] = packetNumber >> 8;
  packet[10] = packetNumber;
  const descriptor = Int32Array.of(0, 11, 64 - 11 - 16, 0);
  from.beforeSeal(packetNumber, 1, 1000);
  from.sealer(Level.oneRtt)?.seal(packet, descriptor, Float64Array.of(packetNumber), 1);
  const opened = Int32Array.of(0, 9, 64, 0);
  to.opener(Level.oneRtt)?.open(packet, opened, new Float64Array(1), 1, packetNumber - 1);
  return opened[3] as number;
};

const isError = (code: number) => (error: unknown) => error instanceof QuicError && error.code === code;

describe('keys', () => {
  it('of Initial packets fit each other', () => {
    const [client, server] = [new Keys(testCryptoPort(), false), new Keys(testCryptoPort(), true)];
    for (const keys of [client, server]) keys.installInitial(1, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const packet = new Uint8Array(64);
    packet[0] = 0xc0;
    client.sealer(Level.initial)?.seal(packet, Int32Array.of(0, 11, 37, 0), Float64Array.of(0), 1);
    const descriptor = Int32Array.of(0, 10, 64, 0);
    assert.equal(server.opener(Level.initial)?.open(packet, descriptor, new Float64Array(1), 1, -1), 1);
  });

  it('that were discarded do not come back', () => {
    const [client] = both();
    client.discard(Level.handshake);
    client.install(1, Level.handshake, 'write', suite, secret(3));
    assert.equal(client.sealer(Level.handshake), undefined);
    assert.ok(client.isDiscarded(Level.handshake));
  });

  it('that were discarded or replaced are closed, and all are when the connection is gone', () => {
    const [client] = both();
    for (const n of [3, 4]) client.install(1, Level.handshake, 'write', suite, secret(n));
    const handshake = client.sealer(Level.handshake);
    const { sealer, opener } = { sealer: client.sealer(Level.oneRtt), opener: client.opener(Level.oneRtt) };
    const packet = new Uint8Array(64);
    const words = Int32Array.of(0, 11, 37, 0);
    const seal = (one: typeof sealer) => one?.seal(packet, words, Float64Array.of(0), 1);
    seal(handshake);
    client.discard(Level.handshake);
    assert.throws(() => seal(handshake), /closed/);
    seal(sealer);
    client.close();
    assert.throws(() => seal(sealer), /closed/);
    assert.throws(() => opener?.open(packet, words, new Float64Array(1), 1, -1), /closed/);
    assert.equal(client.sealer(Level.oneRtt), undefined);
  });

  it('are not updated before a packet of the present phase was acknowledged', () => {
    const [client] = both();
    assert.equal(client.mayUpdate, false);
    client.beforeSeal(0, 5, 1000);
    client.onAcked(3, OpenOutcome.current);
    assert.equal(client.mayUpdate, true);
    client.update();
    assert.equal(client.mayUpdate, false);
  });

  it('follow an update of the peer, in both directions', () => {
    const [client, server] = both();
    assert.equal(send(client, server, 0), OpenOutcome.current);
    client.onAcked(0, OpenOutcome.current);
    client.update();
    assert.equal(send(client, server, 1), OpenOutcome.next);
    server.onNextPhase(1);
    assert.equal(send(client, server, 2), OpenOutcome.current);
    assert.equal(send(server, client, 0), OpenOutcome.next);
    client.onNextPhase(0);
    assert.equal(send(server, client, 1), OpenOutcome.current);
    assert.equal(client.phase, true);
    assert.equal(server.phase, true);
    assert.ok(client.holdsPrevious && server.holdsPrevious);
    client.dropPrevious();
    assert.equal(client.holdsPrevious, false);
  });

  it('must not be acknowledged under the ones before them', () => {
    const [client] = both();
    client.beforeSeal(0, 1, 1000);
    client.onAcked(0, OpenOutcome.current);
    client.update();
    client.beforeSeal(10, 1, 1000);
    assert.throws(
      () => client.onAcked(10, OpenOutcome.current),
      (error) => error instanceof QuicError && error.code === 0x0e,
    );
    client.onAcked(9, OpenOutcome.current);
  });

  it('ask for an update at their limit and give up where AES-GCM ends', () => {
    const [client] = both();
    assert.equal(client.beforeSeal(0, 100, 100), false);
    assert.equal(client.beforeSeal(100, 1, 100), true);
    assert.equal(DEFAULT_CONFIG.keyUpdatePackets, 2 ** 22);
    assert.throws(() => client.beforeSeal(101, CONFIDENTIALITY_LIMIT, 100), isError(0x0f));
  });

  it('leave room for CONNECTION_CLOSE where they end, and protect nothing beyond', () => {
    const [client] = both();
    assert.equal(client.beforeSeal(0, CONFIDENTIALITY_LIMIT - CLOSING_PACKETS, 100), true);
    assert.throws(() => client.beforeSeal(1, 1, 100), isError(0x0f));
    for (let i = 0; i < CLOSING_PACKETS; i++) client.beforeSeal(1, 1, 100);
    assert.throws(() => client.beforeSeal(1, 1, 100), isError(0x0f));
    client.beforeSealLong(CONFIDENTIALITY_LIMIT - 1);
    assert.throws(() => client.beforeSealLong(CONFIDENTIALITY_LIMIT), isError(0x0f));
  });

  it('of ChaCha20-Poly1305 have no limit that can be reached', () => {
    const keys = new Keys(testCryptoPort(), false);
    keys.install(1, Level.oneRtt, 'write', CipherSuite.chacha20Poly1305, secret(1));
    assert.equal(keys.beforeSeal(0, 2 ** 40, 100), true);
  });

  it('count anew after an update', () => {
    const [client] = both();
    client.beforeSeal(0, CONFIDENTIALITY_LIMIT - CLOSING_PACKETS, 100);
    client.update();
    assert.equal(client.beforeSeal(1, 100, 100), false);
  });

  it('are not updated before the handshake is confirmed, nor while older ones are kept', () => {
    const client = new Keys(testCryptoPort(), false);
    client.install(1, Level.oneRtt, 'write', suite, secret(1));
    client.install(1, Level.oneRtt, 'read', suite, secret(2));
    client.beforeSeal(0, 5, 1000);
    client.onAcked(3, OpenOutcome.current);
    assert.equal(client.mayUpdate, false);
    client.confirm();
    assert.equal(client.mayUpdate, true);
    client.update();
    client.beforeSeal(5, 1, 1000);
    client.onNextPhase(7);
    client.onAcked(5, OpenOutcome.current);
    assert.equal(client.mayUpdate, false);
    client.dropPrevious();
    assert.equal(client.mayUpdate, true);
  });

  const orders: readonly (readonly [what: string, fine: boolean, opened: readonly (readonly [number, number])[]])[] = [
    [
      'in order',
      true,
      [
        [1, 0],
        [2, 1],
        [3, 1],
      ],
    ],
    [
      'reordered within a phase',
      true,
      [
        [5, 0],
        [3, 0],
        [9, 1],
        [7, 1],
        [4, 0],
      ],
    ],
    [
      'older keys, higher number than a packet of the next phase',
      false,
      [
        [1, 0],
        [9, 1],
        [10, 0],
      ],
    ],
    [
      'the next phase, lower number than a packet of the present one',
      false,
      [
        [9, 0],
        [8, 1],
      ],
    ],
  ];
  for (const [what, fine, opened] of orders) {
    it(`go on as numbers do: ${what}`, () => {
      const [keys] = both();
      const all = () => {
        for (const [packetNumber, outcome] of opened) keys.onOpened(packetNumber, outcome);
      };
      if (fine) all();
      else assert.throws(all, isError(0x0e));
    });
  }

  it('of the phase before open only what is below the present one', () => {
    const [keys] = both();
    keys.onOpened(9, OpenOutcome.current);
    keys.onOpened(20, OpenOutcome.next);
    keys.onNextPhase(20);
    keys.onOpened(15, OpenOutcome.current);
    keys.onOpened(14, OpenOutcome.previous);
    assert.throws(() => keys.onOpened(16, OpenOutcome.previous), isError(0x0e));
  });

  it('of ChaCha20-Poly1305 bear fewer forgeries than AES-GCM', () => {
    const keys = new Keys(testCryptoPort(), false);
    keys.install(1, Level.oneRtt, 'read', CipherSuite.chacha20Poly1305, secret(1));
    keys.onForged(Level.oneRtt, 2 ** 36);
    assert.throws(
      () => keys.onForged(Level.oneRtt, 1),
      (error) => error instanceof QuicError && error.code === 0x0f,
    );
    const [aes] = both();
    aes.onForged(Level.oneRtt, 2 ** 37);
  });
});
