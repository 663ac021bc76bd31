import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { PostHandshake } from './post-handshake.ts';
import { Pair, testPorts } from './testing/pair.ts';
import { SeededRandom } from './testing/random.ts';

const message = (type: number, length: number): number[] => [
  type,
  length >> 16,
  (length >> 8) & 255,
  length & 255,
  ...Array(length).fill(13),
];

/** The code that these bytes end with, cut in two at some place. */
const codeOf = (bytes: readonly number[], cut: number): number | undefined => {
  const reader = new PostHandshake();
  const buffer = Uint8Array.from(bytes);
  try {
    reader.receive(buffer, 0, cut);
    reader.receive(buffer, cut, buffer.length);
    return undefined;
  } catch (error) {
    return (error as { code: number }).code;
  }
};

test('tickets of any size pass, what follows them is found, wherever bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(700), { maxLength: 4 }),
      fc.constantFrom(undefined, 13, 24),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (lengths, last, part) => {
        const bytes = [
          ...lengths.flatMap((length) => message(4, length)),
          ...(last === undefined ? [] : message(last, 3)),
        ];
        const expected = last === 13 ? 0x0a : last === 24 ? 0x10a : undefined;
        assert.equal(codeOf(bytes, Math.floor(part * bytes.length)), expected);
      },
    ),
  );
});

for (const [what, type, code] of [
  ['RFC 9001 §4.4: a certificate that is asked for after the handshake is a PROTOCOL_VIOLATION', 13, 0x0a],
  ['RFC 9001 §6: TLS KeyUpdate is CRYPTO_ERROR 0x010a', 24, 0x10a],
] as const) {
  test(what, () => {
    const pair = new Pair();
    pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.accepted.parts.spaces[2].crypto.write(Uint8Array.of(type, 0, 0, 1, 0));
    pair.accepted.sendDatagram(new Uint8Array(1), 0, 1);
    assert.ok(pair.run(() => pair.clientSink.closes.length > 0));
    assert.deepEqual([pair.clientSink.closes[0]?.by, pair.clientSink.closes[0]?.code], ['local', code]);
  });
}

test('a server lets go of TLS when the handshake is confirmed, its client does not', () => {
  const released: string[] = [];
  const { crypto, clientTls, serverTls } = testPorts(new SeededRandom(2));
  const noting = (name: string, tls: typeof serverTls): typeof serverTls => {
    const note = (session: ReturnType<typeof tls.server>) =>
      Object.assign(session, { release: () => released.push(name) });
    return { client: (options) => note(tls.client(options)), server: (options) => note(tls.server(options)) };
  };
  const pair = new Pair({
    ports: { crypto, clientTls: noting('client', clientTls), serverTls: noting('server', serverTls) },
  });
  const client = pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  assert.deepEqual(released, ['server']);
  const context = new Uint8Array();
  assert.deepEqual(
    pair.accepted.parts.handshake.exporter('test', context, 32),
    client.parts.handshake.exporter('test', context, 32),
  );
});
