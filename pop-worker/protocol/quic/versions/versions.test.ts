import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { Level, type TlsSession } from '../ports.ts';
import { clientHello } from '../testing/tls-messages.ts';
import { encodeTransportParameters } from '../wire/transport-parameters.ts';
import { extensionOf, messageLength, TRANSPORT_PARAMETERS_EXTENSION } from './client-hello.ts';
import { LateTls } from './late-tls.ts';
import { negotiate } from './negotiation.ts';

const parameters = Uint8Array.of(1, 2, 3);
const hello = clientHello(parameters, [Uint8Array.of(9)]);

/** A LateTls that notes what it was made with, and what its session got. */
const late = () => {
  const made: (Uint8Array | undefined)[] = [];
  const received: number[] = [];
  const session: TlsSession = {
    receive: (_level, data) => received.push(...data),
    next: () => undefined,
    exporter: () => new Uint8Array(),
    giveTicket: () => {},
    release: () => {},
    close: () => {},
  };
  const tls = new LateTls((found) => {
    made.push(found?.slice());
    return session;
  });
  return { tls, made, received };
};

test('the length of a handshake message has three bytes, and is not known before they are there', () => {
  assert.equal(messageLength(Uint8Array.of(1, 2, 3, 4)), 4 + 0x02_03_04);
  assert.equal(messageLength(Uint8Array.of(1, 0x80, 0, 0, 7)), 4 + 0x80_00_00);
  assert.equal(messageLength(Uint8Array.of(1, 2, 3)), -1);
  assert.equal(messageLength(new Uint8Array()), -1);
});

test('the extension of a ClientHello is found wherever it stands', () => {
  assert.deepEqual(extensionOf(hello, TRANSPORT_PARAMETERS_EXTENSION), parameters);
  assert.equal(extensionOf(hello, 0x1234), undefined);
});

test('of the corpus it reads what stands there, and of what is made of it nothing worse', () => {
  const corpus = readCorpus<string | null>(new URL('testing/corpus/client-hello.json', import.meta.url));
  const found = (bytes: Uint8Array): string | null => {
    const extension = extensionOf(bytes, TRANSPORT_PARAMETERS_EXTENSION);
    return extension === undefined ? null : Buffer.from(extension).toString('hex');
  };
  for (const { name, bytes, expect } of corpus) assert.equal(found(bytes), expect, name);
  survive(corpus, (bytes) => void found(bytes));
});

test('no bytes make it throw, and no prefix of a message has extensions', () => {
  for (let i = 0; i < hello.length; i++) {
    assert.equal(extensionOf(hello.subarray(0, i), TRANSPORT_PARAMETERS_EXTENSION), undefined);
  }
  const changed = fc.tuple(fc.nat(hello.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(changed, { maxLength: 6 }), fc.uint8Array({ maxLength: 40 }), (changes, tail) => {
      const bytes = Uint8Array.of(...hello, ...tail);
      for (const [i, byte] of changes) bytes[i] = byte;
      const found = extensionOf(bytes, TRANSPORT_PARAMETERS_EXTENSION);
      assert.ok(found === undefined || messageLength(bytes) === bytes.length);
    }),
    { numRuns: 1000 },
  );
});

test('TLS begins when the ClientHello is whole, however it was cut, and misses nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }), (cuts) => {
      const { tls, made, received } = late();
      const bytes = Uint8Array.of(...hello, 7, 7, 7);
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        tls.receive(Level.initial, bytes.slice(at, at + cut));
        at = Math.min(bytes.length, at + cut);
        assert.equal(made.length, at >= hello.length ? 1 : 0);
      }
      assert.deepEqual(made, [parameters]);
      assert.deepEqual(received, [...bytes]);
    }),
  );
});

test('a ClientHello longer than 32 KiB goes to TLS unread, so that no memory is held for it', () => {
  const { tls, made, received } = late();
  tls.receive(Level.initial, Uint8Array.of(1, 0xff, 0xff, 0xff));
  assert.deepEqual([made, received.length], [[undefined], 4]);
});

test('nothing begins after it was closed', () => {
  const { tls, made } = late();
  tls.close();
  tls.receive(Level.initial, hello);
  assert.equal(made.length, 0);
  assert.throws(() => tls.exporter('', new Uint8Array(), 1));
});

test('RFC 9368 §2.3: a server takes what it prefers of what the client offers, and nothing that it does not speak', () => {
  const offer = (chosen: number, ...available: number[]) =>
    encodeTransportParameters({ versionInformation: { chosen, available } });
  const [v1, v2] = [1, 0x6b3343cf];
  assert.equal(negotiate([v2, v1], v1, offer(v1, v1, v2)), v2);
  assert.equal(negotiate([v1, v2], v1, offer(v1, v2, v1)), v1);
  assert.equal(negotiate([v2, v1], v1, offer(v1, v1)), v1);
  assert.equal(negotiate([0x1a2a3a4a, v1], v1, offer(v1, v1, 0x1a2a3a4a)), v1);
  assert.equal(negotiate([v2, v1], v1, offer(v2, v2)), v1, 'it lies about the chosen one');
  assert.equal(negotiate([v2, v1], v1, undefined), v1);
  assert.equal(negotiate([v2, v1], v1, Uint8Array.of(0x11, 3, 0, 0, 0)), v1, 'malformed');
});
