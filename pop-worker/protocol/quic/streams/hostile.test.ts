import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError, TransportError } from '../errors.ts';
import { BLOCK_BYTES, MAX_EARLY_RANGES } from './reassembly.ts';
import { LIMITS, Peer, pair, pattern } from './testing/peer.ts';

const bytes = pattern(64);
const at = (peer: Peer, id: number, offset: number, length: number, fin = false): void =>
  peer.streams.stream(id, offset, bytes, 0, length, fin);

const LIMIT = LIMITS.initialMaxStreamDataUni;
const BEYOND = 4 * LIMITS.initialMaxStreamsBidi;

/** What a server says to frames from its client; 0 client bidi, 2 client uni, 1 server bidi (1 is open), 3 server uni. */
const rules: [name: string, code: number, act: (server: Peer) => void][] = [
  ['§19.8 STREAM on our send-only stream', 5, (s) => at(s, 3, 0, 1)],
  ['§19.8 STREAM on our stream never opened', 5, (s) => at(s, 5, 0, 1)],
  ['§19.4 RESET_STREAM on our send-only stream', 5, (s) => s.streams.resetStream(3, 0, 0)],
  ['§19.4 RESET_STREAM on our stream never opened', 5, (s) => s.streams.resetStream(5, 0, 0)],
  ['§19.5 STOP_SENDING on our stream never opened', 5, (s) => s.streams.stopSendingReceived(7, 0)],
  ['§19.5 STOP_SENDING on a receive-only stream', 5, (s) => s.streams.stopSendingReceived(2, 0)],
  ['§19.10 MAX_STREAM_DATA on our stream never opened', 5, (s) => s.streams.maxStreamData(5, 1)],
  ['§19.10 MAX_STREAM_DATA on a receive-only stream', 5, (s) => s.streams.maxStreamData(2, 1)],
  ['§19.13 STREAM_DATA_BLOCKED on our send-only stream', 5, (s) => s.streams.streamDataBlocked(3, 1)],
  ['§4.6 STREAM beyond the limit', 4, (s) => at(s, BEYOND, 0, 1)],
  ['§4.6 uni beyond the limit', 4, (s) => at(s, BEYOND + 2, 0, 1)],
  ['§4.6 STOP_SENDING beyond the limit', 4, (s) => s.streams.stopSendingReceived(BEYOND, 0)],
  ['§4.6 an ID beyond 2^53', 4, (s) => at(s, 2 ** 60, 0, 1)],
  ['§4.1 beyond the stream limit', 3, (s) => at(s, 2, LIMIT - 63, 64)],
  ['§19.8 an offset beyond 2^53', 3, (s) => at(s, 2, 2 ** 60, 1)],
  ['§4.1 beyond the connection limit', 3, (s) => void [2, 6, 10, 14, 18].map((id) => at(s, id, LIMIT - 1, 1))],
  ['§4.5 reset beyond the stream limit', 3, (s) => s.streams.resetStream(2, 0, LIMIT + 1)],
  ['§4.5 data beyond the final size', 6, (s) => void [at(s, 2, 5, 5, true), at(s, 2, 10, 1)]],
  ['§4.5 another final size', 6, (s) => void [at(s, 2, 5, 5, true), at(s, 2, 5, 4, true)]],
  ['§4.5 a final size below what came', 6, (s) => void [at(s, 2, 5, 5), at(s, 2, 0, 9, true)]],
  ['§4.5 reset with a final size below what came', 6, (s) => void [at(s, 2, 5, 5), s.streams.resetStream(2, 0, 9)]],
  [
    '§4.5 reset with another final size than FIN',
    6,
    (s) => void [at(s, 2, 5, 5, true), s.streams.resetStream(2, 0, 11)],
  ],
  [
    '§4.5 data beyond the size of a reset',
    6,
    (s) => void [at(s, 0, 0, 5), s.streams.resetStream(0, 0, 5), at(s, 0, 5, 1)],
  ],
];

for (const [name, code, act] of rules) {
  test(`${name}: error ${code}`, () => {
    const [, server] = pair();
    assert.deepEqual([server.streams.openStream(true), server.streams.openStream(false)], [1, 3]);
    assert.throws(
      () => act(server),
      (error) => error instanceof QuicError && error.code === code && error.fault === 'remote',
    );
  });
}

test('§4.1: exactly at the limits is allowed', () => {
  const [, server] = pair();
  for (let n = 0; n < 4; n++) at(server, 2 + 4 * n, LIMIT - 1, 1);
  at(server, BEYOND - 4, 0, 0);
  at(server, 22, 0, 0, true);
  assert.equal(server.ended.has(22), true);
});

test('too many gaps in one stream end the connection', () => {
  const server = new Peer(true, { initialMaxStreamDataUni: 100_000, initialMaxData: 100_000 });
  const gaps = (): void => {
    for (let n = 0; n <= MAX_EARLY_RANGES; n++) at(server, 2, 1 + 2 * n, 1);
  };
  assert.throws(gaps, { code: TransportError.internalError, fault: 'remote' });
});

const id = fc.oneof(fc.nat(40), fc.constantFrom(2 ** 40, 2 ** 60));
const amount = fc.oneof(fc.nat(200), fc.nat(11_000), fc.constantFrom(2 ** 53, 2 ** 61));
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('stream' as const), id, amount, fc.nat(64), fc.boolean()) },
  fc.tuple(fc.constant('reset' as const), id, amount, fc.constant(0), fc.constant(false)),
  fc.tuple(
    fc.constantFrom('stop' as const, 'maxStreamData' as const, 'blocked' as const),
    id,
    amount,
    fc.nat(0),
    fc.boolean(),
  ),
  fc.tuple(fc.constantFrom('maxData' as const, 'maxStreams' as const), id, amount, fc.nat(0), fc.boolean()),
  fc.tuple(
    fc.constantFrom('write' as const, 'localStop' as const, 'localReset' as const, 'poll' as const),
    fc.nat(40),
    amount,
    fc.nat(64),
    fc.boolean(),
  ),
);
type Frame = typeof frame extends fc.Arbitrary<infer T> ? T : never;

const act = (peer: Peer, [what, target, n, length, flag]: Frame): void => {
  const { streams } = peer;
  const ours = target % 2 === 1 ? 1 : target % 40;
  if (what === 'stream') at(peer, target, n, length, flag);
  else if (what === 'reset') streams.resetStream(target, n, n);
  else if (what === 'stop') streams.stopSendingReceived(target, n);
  else if (what === 'maxStreamData') streams.maxStreamData(target, n);
  else if (what === 'blocked') streams.streamDataBlocked(target, n);
  else if (what === 'maxData') streams.maxData(n);
  else if (what === 'maxStreams') streams.maxStreams(flag, n);
  else if (what === 'poll') poll(peer);
  else
    command(() =>
      what === 'write'
        ? streams.write(ours, bytes.slice(0, length), flag)
        : what === 'localStop'
          ? streams.stopSending(ours, 1)
          : streams.reset(ours, 1),
    );
};

const poll = (peer: Peer): void => {
  for (const [i, packet] of peer.packets(300).entries()) {
    if (i % 2 === 0) peer.lost(packet);
    else peer.acked(packet);
  }
};

/** What the application does wrong is its own fault. */
const command = (run: () => void): void => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof QuicError && error.fault === 'local');
  }
};

test('any frames in any order: only remote errors, memory within the stated bound', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 120 }), (frames) => {
      const [, server] = pair();
      server.streams.openStream(true);
      for (const next of frames) {
        try {
          act(server, next);
        } catch (error) {
          assert.ok(error instanceof QuicError && error.fault === 'remote', String(error));
        }
        server.tick(100);
        const open = server.streams.size;
        assert.ok(open <= LIMITS.initialMaxStreamsBidi + LIMITS.initialMaxStreamsUni + 1);
        // The connection window as it was at first, or tuned up to its maximum, and two blocks a stream.
        assert.ok(server.streams.earlyBlocks <= 100_000 / BLOCK_BYTES + 2 * open);
      }
    }),
    { numRuns: 400 },
  );
});
