import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Level } from './ports.ts';
import { idsOf, ROWS, type Row, type Verdict } from './testing/hostile/rows.ts';
import type { Role, Scene } from './testing/hostile/scene.ts';
import { STATES, type State } from './testing/hostile/states.ts';

const LETTERS = ['I', '0', 'H', '1'] as const;
const VIOLATION = 0x0a;

/** RFC 9000 §12.4: a frame in a packet that must not carry it is a PROTOCOL_VIOLATION, whatever is in it. */
const verdictOf = (row: Row, level: Level, role: Role, { differs }: State): Verdict => {
  if (row.packets !== '' && !row.packets.includes(LETTERS[level])) return VIOLATION;
  return differs[row.name] ?? (level === Level.initial || level === Level.handshake ? row.long : row[role]);
};

const outcome = ({ told }: Scene): Verdict => {
  const [info] = told.closes;
  if (info === undefined) return 'open';
  return info.by === 'local' && !info.application ? info.code : 'ended';
};

/** What is wrong with what became of the frame, if anything is. */
const complaint = (scene: Scene, expected: Verdict): string | undefined => {
  const found = outcome(scene);
  if (found !== expected) return `${found} (${scene.told.closes[0]?.reason}) instead of ${expected}`;
  const heard = scene.heard.closes[0];
  if (typeof expected !== 'number' || !scene.isHeard || heard?.code === expected) return undefined;
  return `the peer was told ${heard?.by} ${heard?.code}`;
};

const each = (phase: State['phase'], check: (role: Role, state: State, name: string) => void): void => {
  for (const [name, state] of Object.entries(STATES)) {
    if (state.phase === phase) for (const role of state.roles) check(role, state, name);
  }
};

each('open', (role, state, name) => {
  test(`${role}, ${name}: each frame has the error that the RFC gives it, and the peer is told`, () => {
    const wrong: string[] = [];
    const patient = state.make(role, {});
    for (const row of ROWS) {
      const verdict = verdictOf(row, patient.level, role, state);
      // What changes nothing may come to one connection, one after the other.
      const scene = verdict === 'open' ? patient : state.make(role, {});
      scene.inject(row.payload(idsOf(role)));
      scene.wait(verdict === 'open' ? 3000 : 20_000);
      const complains = complaint(scene, verdict);
      if (complains !== undefined) wrong.push(`${row.name}: ${complains}`);
    }
    assert.deepEqual(wrong, []);
  });
});

each('closing', (role, state, name) => {
  test(`${role}, ${name}: no frame changes anything, and each is answered alike (RFC 9000 §10.2.1)`, () => {
    for (const row of ROWS) {
      const scene = state.make(role, {});
      const before = scene.sent;
      scene.inject(row.payload(idsOf(role)));
      scene.wait(3000);
      const { told, victim, sent } = scene;
      assert.equal(told.closes.length, 1, row.name);
      assert.equal(victim.parts.closer.phase, 'closed', row.name);
      assert.equal(sent - before, 1, row.name);
    }
  });
});

each('draining', (role, state, name) => {
  test(`${role}, ${name}: nothing is answered (RFC 9000 §10.2.2)`, () => {
    for (const row of ROWS) {
      const scene = state.make(role, {});
      const before = scene.sent;
      scene.inject(row.payload(idsOf(role)));
      scene.wait(3000);
      assert.equal(scene.told.closes.length, 1, row.name);
      assert.deepEqual([scene.victim.parts.closer.phase, scene.sent - before], ['closed', 0], row.name);
    }
  });
});
