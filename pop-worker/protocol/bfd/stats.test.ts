import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Diagnostic, State } from './state.ts';
import { STATS, Stat } from './stats.ts';
import { alone } from './testing/alone.ts';
import { FAST, MS, Pair } from './testing/pair.ts';

const shown = (stats: Float64Array): Record<string, number> =>
  Object.fromEntries(STATS.map((name) => [name, stats[Stat[name] as number] as number]));

test('others read of a session what there is to know, from its start on', () => {
  const pair = new Pair();
  const memory = new Float64Array(STATS.length).fill(99);
  const session = pair.a.bfd.open(FAST, 5000, (index) => {
    assert.equal(index, 0);
    return memory;
  });
  assert.equal(session.stats, memory);
  assert.deepEqual(shown(memory), {
    ...Object.fromEntries(STATS.map((name) => [name, 0])),
    discriminator: session.discriminator,
    state: State.down,
    remoteState: State.down,
    transmitIntervalUs: 1_000_000,
    changedAtUs: 5000,
  });
});

test('they follow a session that comes Up, is refused packets, loses its peer and is held', () => {
  const { pair, session, tell } = alone();
  const seen = () => shown(session.stats);
  tell({ state: State.down, independent: true, diagnostic: 5 });
  tell({ state: State.init, desiredMinTxUs: 60_000, requiredMinRxUs: 70_000, detectMult: 4 });
  pair.run(0);
  const upAt = pair.now;
  assert.deepEqual(seen(), {
    discriminator: session.discriminator,
    state: State.up,
    diagnostic: Diagnostic.none,
    remoteDiscriminator: 77,
    remoteState: State.init,
    remoteDiagnostic: 0,
    remoteIndependent: 0,
    transmitIntervalUs: 70_000,
    detectionTimeUs: 240_000,
    sent: 1,
    received: 2,
    discarded: 0,
    toUp: 1,
    fromUp: 0,
    changedAtUs: upAt,
    held: 0,
  });
  tell({ state: State.up, independent: true, diagnostic: 5, desiredMinTxUs: 60_000, requiredMinRxUs: 70_000 }, 3);
  assert.equal(seen()['discarded'], 1);
  tell({ state: State.up, independent: true, diagnostic: 5, desiredMinTxUs: 60_000, requiredMinRxUs: 70_000 });
  assert.deepEqual([seen()['remoteIndependent'], seen()['remoteDiagnostic'], seen()['remoteState']], [1, 5, State.up]);
  session.setConcatenated(Diagnostic.concatenatedPathDown);
  assert.equal(seen()['diagnostic'], Diagnostic.concatenatedPathDown);
  pair.run(180 * MS);
  const { state, diagnostic, remoteDiscriminator, remoteState, fromUp, toUp, changedAtUs, transmitIntervalUs } = seen();
  assert.deepEqual(
    { state, diagnostic, remoteDiscriminator, remoteState, fromUp, toUp, changedAtUs, transmitIntervalUs },
    {
      state: State.down,
      diagnostic: Diagnostic.detectionTimeExpired,
      remoteDiscriminator: 0,
      remoteState: State.down,
      fromUp: 1,
      toUp: 1,
      changedAtUs: upAt + 180 * MS,
      transmitIntervalUs: 1_000_000,
    },
  );
  session.hold(Diagnostic.forwardingPlaneReset, pair.now);
  assert.deepEqual([seen()['held'], seen()['diagnostic']], [1, Diagnostic.detectionTimeExpired], 'it was Down before');
  session.release();
  assert.equal(seen()['held'], 0);
});

test('a session that is disabled twice for the same reason says so once, and is enabled only then', () => {
  const { pair, session } = alone();
  pair.run(0);
  session.enable(pair.now);
  pair.run(0);
  assert.equal(shown(session.stats)['sent'], 1, 'it was not disabled');
  for (let i = 0; i < 2; i++) session.disable(Diagnostic.administrativelyDown, pair.now);
  pair.run(0);
  session.disable(Diagnostic.administrativelyDown, pair.now);
  pair.run(0);
  assert.equal(shown(session.stats)['sent'], 2);
  session.disable(Diagnostic.pathDown, pair.now);
  pair.run(0);
  assert.deepEqual([shown(session.stats)['sent'], pair.sent.at(-1)?.packet.diagnostic], [3, Diagnostic.pathDown]);
  session.enable(pair.now);
  pair.run(0);
  assert.deepEqual(pair.sent.at(-1)?.packet.state, State.down, 'told at once');
});
