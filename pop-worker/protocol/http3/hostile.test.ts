import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { QpackErrorCode } from '#protocol/qpack/errors.ts';
import { Http3ErrorCode } from './errors.ts';
import { bytes, data, frame, GET, headers, RawPeer, varint } from './testing/raw.ts';

const CORPUS = new URL('./testing/corpus/', import.meta.url);
const CODES: ReadonlySet<number> = new Set([...Object.values(Http3ErrorCode), ...Object.values(QpackErrorCode)]);

interface Step {
  readonly kind: 'bidi' | 'uni' | 'datagram';
  readonly content: Uint8Array;
  readonly fin: boolean;
}

const play = (steps: readonly Step[], server: boolean, piece: number, seed: number): RawPeer => {
  const limits = { unidirectionalStreams: 50, streamWindow: 4096 };
  const peer = new RawPeer({ server, piece, seed, limits });
  for (const { kind, content, fin } of steps) {
    if (peer.outcome !== 'open') break;
    if (kind === 'datagram') {
      peer.quic.sendDatagram(content, 0, content.length);
      peer.pair.run();
    } else peer.open(kind === 'bidi', content, fin);
  }
  return peer;
};

/** Only the protocol's own codes, and the same however the bytes are cut. */
const check = (steps: readonly Step[], server = true): number | 'open' => {
  const outcomes = [1, 7, 4000].map((piece) => {
    const peer = play(steps, server, piece, piece);
    if (peer.outcome !== 'open') assert.ok(CODES.has(peer.outcome), `code ${peer.outcome}`);
    return { outcome: peer.outcome, streams: peer.recorder.streams };
  });
  for (const other of outcomes.slice(1)) {
    assert.equal(other.outcome, outcomes[0]?.outcome);
    if (other.outcome === 'open') assert.deepEqual(other.streams, outcomes[0]?.streams);
  }
  return outcomes[0]?.outcome ?? 'open';
};

const parse = (line: string): Step => {
  const words = line.split(' ');
  const fin = words.at(-1) === 'fin';
  const content = Buffer.from(words.slice(1, fin ? -1 : undefined).join(''), 'hex');
  return { kind: words[0] as Step['kind'], content, fin };
};

test('the corpus', () => {
  const files = readdirSync(CORPUS).filter((name) => name.endsWith('.txt'));
  assert.ok(files.length >= 15);
  for (const name of files) {
    const text = readFileSync(new URL(name, CORPUS), 'utf8').trim().split('\n');
    const lines = text.filter((line) => !line.startsWith('#'));
    const expected = lines.pop()?.slice(2);
    assert.equal(String(check(lines.map(parse))), expected, name);
  }
});

const any = fc.uint8Array({ maxLength: 60 });
const anyFrame = fc
  .tuple(fc.oneof(fc.nat(0x0f), fc.constantFrom(0x21, 0x40, 0xf0700)), any)
  .map(([type, payload]) => frame(type, payload));
const shortFrame = fc
  .tuple(fc.nat(0x0f), fc.nat(100), any)
  .map(([type, length, payload]) => bytes(varint(type), varint(length), payload));
const likely = fc.constantFrom(
  headers(...GET),
  headers(':method: CONNECT', ':authority: a:1'),
  headers(':method: CONNECT', ':protocol: x', ':scheme: https', ':authority: a', ':path: /'),
  headers(':status: 200'),
  headers('x: y'),
  data('content'),
  data(''),
  frame(4),
  frame(7, [0]),
);
const frames = fc.array(fc.oneof(likely, anyFrame, shortFrame), { maxLength: 6 }).map((parts) => bytes(...parts));
const unidirectional = fc
  .tuple(fc.constantFrom(0, 0, 0, 1, 2, 3, 0x21), fc.oneof(frames, any))
  .map(([type, rest]) => bytes(type, rest));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('bidi' as const), content: fc.oneof(frames, any), fin: fc.boolean() }),
  fc.record({ kind: fc.constant('uni' as const), content: fc.oneof(unidirectional, any), fin: fc.constant(false) }),
  fc.record({ kind: fc.constant('datagram' as const), content: any, fin: fc.constant(false) }),
);

test('a hostile client: only our own error codes, the same however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
      check(steps);
    }),
    { numRuns: 500 },
  );
});

test('a hostile server', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
      check(
        steps.filter(({ kind }) => kind !== 'bidi'),
        false,
      );
    }),
    { numRuns: 300 },
  );
});

test('a request cut at every byte is incomplete, never anything else', () => {
  const whole = bytes(headers(...GET, 'content-length: 5'), data('hello'), headers('x-sum: 1'));
  const boundaries = new Set([
    0,
    headers(...GET, 'content-length: 5').length,
    whole.length - headers('x-sum: 1').length,
  ]);
  for (let cut = 0; cut < whole.length; cut++) {
    const outcome = check([{ kind: 'bidi', content: whole.subarray(0, cut), fin: true }]);
    assert.equal(outcome, boundaries.has(cut) ? 'open' : 0x106, `cut at ${cut}`);
    assert.equal(check([{ kind: 'bidi', content: whole.subarray(0, cut), fin: false }]), 'open');
  }
  assert.equal(check([{ kind: 'bidi', content: whole, fin: true }]), 'open');
});

test('what is kept for a peer that never completes anything is bounded', () => {
  const peer = new RawPeer({ piece: 4000, limits: { bidirectionalStreams: 10, streamWindow: 65_536 } });
  for (let i = 0; i < 10; i++) peer.open(true, bytes(1, varint(16_384), new Uint8Array(16_000)));
  assert.equal(peer.http3.openRequests, 10);
  assert.equal(peer.recorder.streams.size, 0);
  for (let i = 0; i < 10; i++) peer.quic.reset(4 * i, 0x10c);
  peer.pair.run();
  assert.equal(peer.http3.openRequests, 0);
  // Beyond the limit nothing is collected: the answer comes before the bytes.
  peer.open(true, bytes(1, varint(16_385)));
  assert.equal(peer.http3.openRequests, 1);
  assert.equal(peer.pair.server.wire.streams.get(40)?.halves[0]?.stopCode, 0x100);
});
