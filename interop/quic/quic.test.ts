import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { ours } from '../implementations/ours.ts';
import { CASES, type QuicCase } from './cases.ts';
import { type Measured, misses } from './figures.ts';
import { hasSecondHello, type OpenedInitial } from './initials.ts';
import { LACKS, lackOf } from './lacks.ts';
import { choose, runCell } from './matrix.ts';
import { gather } from './run.ts';

const named = (name: string): QuicCase => CASES.find((one) => one.name === name) as QuicCase;
const WE = { server: ours, client: ours };

/** What each case wants to see and a plain handshake does not show. */
const MISSING: Readonly<Record<string, RegExp>> = {
  longrtt: /The ClientHello was sent 1 times/,
  chacha20: /The client offered the suites 0x/,
  retry: /There was no Retry/,
  resumption: /There were 1 handshakes, not 2/,
  zerortt: /There were 1 handshakes, not 2/,
  keyupdate: /No key was updated/,
  amplificationlimit: /bytes of handshake only/,
  handshakeloss: /There were 1 handshakes, not 50/,
  ipv6: /There were IPv4 packets/,
  v2: /The server's Initial packets have versions 0x1\./,
  'rebind-port': /The server saw one path only/,
  'rebind-addr': /The server saw one address/,
  connectionmigration: /The server saw one path only/,
};

test('a plain handshake passes, and for no other case', { skip: needsRoot }, async () => {
  const { evidence } = await gather(named('handshake'), WE);
  assert.equal(named('handshake').check(evidence), undefined);
  for (const [name, complaint] of Object.entries(MISSING)) {
    assert.match(named(name).check(evidence) ?? 'passed', complaint, name);
  }
});

test('a Retry is seen on the link, and is none of a handshake without', { skip: needsRoot }, async () => {
  const { evidence } = await gather(named('retry'), WE);
  assert.equal(named('retry').check(evidence), undefined);
  assert.equal(named('handshake').check(evidence), 'The server sent Retry.');
});

test('a change of version is seen on the link', { skip: needsRoot }, async () => {
  const { evidence } = await gather(named('v2'), WE);
  assert.equal(named('v2').check(evidence), undefined);
  assert.match(named('handshake').check(evidence) ?? 'passed', /versions .*0x6b3343cf/);
});

test('a second ClientHello is told from the pieces of a first one', () => {
  /** A message of 2,000 bytes. */
  const start = Uint8Array.of(1, 0, 0x07, 0xcc, ...new Uint8Array(1196));
  const opened = (offset: number, data: Uint8Array) => ({ crypto: [{ offset, data }] }) as unknown as OpenedInitial;
  const rest = opened(1200, new Uint8Array(800));
  assert.equal(hasSecondHello([rest, opened(0, start), rest]), false);
  assert.equal(hasSecondHello([opened(0, start), rest, opened(2000, start)]), true);
});

test('cases are chosen by name, peer and role; with ourselves there is one role', () => {
  const cells = choose({ cases: ['retry', 'v2'], peers: ['ngtcp2', 'ours'], role: 'server' });
  assert.deepEqual(
    cells.map(({ one, peer, role }) => [one.name, peer, role]),
    [
      ['retry', 'ngtcp2', 'server'],
      ['v2', 'ngtcp2', 'server'],
      ['retry', 'ours', 'both'],
      ['v2', 'ours', 'both'],
    ],
  );
  assert.equal(choose({ cases: [], peers: ['quic-go'] }).length, 2 * CASES.length);
  assert.deepEqual(
    choose({ cases: [], peers: ['chromium'] }).map(({ one, role }) => [one.name, role]),
    [['http3', 'server']],
  );
});

test('what a peer lacks is told with the reason and not run; every row of the table is of a case and a reason', async () => {
  const [cell] = choose({ cases: ['v2'], peers: ['quic-go'], role: 'client' });
  assert.ok(cell);
  const { result, reason } = await runCell(cell);
  assert.deepEqual([result, reason], ['lacking', lackOf('quic-go', 'server', 'v2')]);
  assert.equal(lackOf('quic-go', 'server', 'retry'), undefined);
  for (const row of LACKS) assert.ok(row.reason !== '' && named(row.case) !== undefined, row.case);
});

test('every case has a foreign peer in each role', () => {
  const cells = choose({ cases: [], peers: ['quic-go', 'ngtcp2', 'aioquic'] });
  for (const { name } of CASES) {
    for (const as of ['client', 'server'] as const) {
      const able = cells.filter(({ one, peer }) => one.name === name && lackOf(peer, as, name) === undefined);
      assert.ok(able.length > 0, `${name}, the peer as ${as}`);
    }
  }
});

test('a figure below or above what is wanted is told', () => {
  const measured: Measured = { value: 0.7, unit: 'ratio', bars: [{ atLeast: 0.35 }, { atMost: 0.65 }] };
  assert.equal(misses(measured), '0.700 ratio, at most 0.65 is wanted.');
  assert.equal(misses({ ...measured, value: 0.3 }), '0.300 ratio, at least 0.35 is wanted.');
  assert.equal(misses({ ...measured, value: 0.5 }), undefined);
});
