import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';

import { survive } from '#scripts/corpus/survive.ts';
import { inUse } from './testing/heap.ts';
import { frame, prefixed } from './testing/hostile/encode.ts';
import { play } from './testing/hostile/play.ts';
import { idsOf, ROWS } from './testing/hostile/rows.ts';
import { STATES } from './testing/hostile/states.ts';
import { sealedPacket } from './testing/injector.ts';
import { Pair } from './testing/pair.ts';
import { pattern, RecordingSink } from './testing/sinks.ts';

const corpus = readCorpus(new URL('testing/corpus/hostile.json', import.meta.url));

/** What is done, in words, in front of what went wrong. */
const told = (bytes: Uint8Array): void => {
  const steps: string[] = [];
  try {
    play(bytes, (step) => steps.push(step));
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${steps.join('\n')}`, { cause });
  }
};

test('a peer with valid keys, in any state, by any frames: only errors of the RFC, within all limits, and it ends', () => {
  survive(corpus, told, { mutants: 150, bounds: { bytes: 64 * 1024 * 1024 } });
});

test('nobody else on the endpoint notices: a transfer goes on while others attack, one after the other', () => {
  const pair = new Pair();
  const connection = pair.connect();
  const piece = pattern(5000);
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  const stream = connection.openStream(true);
  const broken: number[] = [];
  for (const row of ROWS.filter(({ server }) => typeof server === 'number')) {
    const sink = new RecordingSink();
    const options = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink };
    const attacker = pair.client.connect(options, pair.now);
    assert.ok(
      pair.run(() => sink.confirmed, 1_000_000),
      row.name,
    );
    const before = pair.serverSink.bytesReceived;
    connection.write(stream, piece, false);
    pair.sendToServer(sealedPacket(attacker, row.payload(idsOf('server'))));
    const isBroken = () => sink.closes.length > 0;
    const goesOn = () => pair.serverSink.bytesReceived === before + piece.length;
    assert.ok(
      pair.run(() => isBroken() && goesOn(), 1_000_000),
      `${row.name}: ${isBroken()}, ${goesOn()}`,
    );
    broken.push(sink.closes[0]?.code ?? 0);
  }
  assert.ok(broken.length > 80 && new Set(broken).size >= 8, `${broken}`);
  assert.deepEqual([pair.serverSink.closes, pair.clientSink.closes], [[], []]);
});

const { theirBidi, theirUni, ownBidi } = idsOf('server');
const PACKETS = 1500;
/** The window of 1 MiB in blocks that are not full, and room to breathe. */
const MOST_KIB = 4096;
const byte = prefixed([7]);

/** What a peer may do as often as it likes without breaking a rule, by the number of the packet. */
const FLOODS: Readonly<Record<string, (n: number) => Uint8Array>> = {
  'a byte behind each gap, on all streams': (n) => frame(0x0e, theirBidi(n % 100), 2 * Math.floor(n / 100) + 1, byte),
  'a byte at the start of each block': (n) => frame(0x0e, theirUni(n % 100), 4096 * Math.floor(n / 100) + 1, byte),
  'CRYPTO behind gaps': (n) => frame(0x06, 10 + 2 * n, byte),
  challenges: (n) => frame(0x1a, pattern(8, n)),
  'responses that nobody asked for': (n) => frame(0x1b, pattern(8, n)),
  'limits that rise': (n) => frame(0x11, ownBidi(0), n * 1000),
  'word of being blocked': (n) => frame(0x15, theirBidi(n % 100), n),
  'streams that are reset at once': (n) => frame(0x04, theirBidi(n % 100), n, 0),
  'wishes for ACKs': (n) => frame(0xaf, n, n, 20_000 + n, n % 5),
  'tokens and IDs that replace each other': (n) =>
    frame(0x18, n + 4, n < 8 ? n : 0, [8, ...pattern(8, n)], pattern(16, n)),
  datagrams: (n) => frame(0x30, pattern(1000, n)),
};

for (const [what, payloadOf] of Object.entries(FLOODS)) {
  test(`memory of a connection stays small under a flood: ${what}`, () => {
    const scene = STATES['established']?.make('server', {});
    assert.ok(scene);
    scene.told.consumes = false;
    const before = inUse();
    for (let n = 0; n < PACKETS && scene.told.closes.length === 0; n++) {
      scene.inject(payloadOf(n));
      scene.wait(1000);
      scene.told.datagrams.length = 0;
    }
    const kib = Math.round((inUse() - before) / 1024);
    assert.ok(kib < MOST_KIB, `${kib} KiB`);
    for (const { code } of scene.told.closes) assert.ok([0x03, 0x09].includes(code), `${code}`);
  });
}
