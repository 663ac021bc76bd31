import assert from 'node:assert/strict';
import { Level } from '../../ports.ts';
import { address } from '../pair.ts';
import { pattern } from '../sinks.ts';
import { Choices } from './choices.ts';
import { frame } from './encode.ts';
import { anyPayload } from './grammar.ts';
import type { Scene } from './scene.ts';

const LEVELS = [Level.oneRtt, Level.initial, Level.handshake, Level.earlyData] as const;

/** Something is done, and told in words. @param past datagrams that the attacker sent as it should */
export type Step = (c: Choices, scene: Scene, past: Uint8Array[]) => string;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const packet: Step = (c, scene) => {
  const payload = anyPayload(c, scene);
  scene.inject(payload);
  return `packet at level ${scene.level}: ${hex(payload)}`;
};

/** A packet and others like it, each a little further on. */
const flood: Step = (c, scene) => {
  const script = c.take(20);
  const times = c.pick([10, 30, 100]);
  for (let i = 0; i < times; i++) {
    scene.shift = i;
    scene.inject(anyPayload(new Choices(script), scene, 1));
    if (i % 10 === 9) scene.wait(2000);
  }
  scene.shift = 0;
  return `${times} packets at level ${scene.level} like ${hex(anyPayload(new Choices(script), scene, 1))}`;
};

/** The application of the one who is attacked goes on with what it does. */
export const application: Step = (c, { victim, told, pair }) => {
  const stream = c.below(28);
  const acts: Readonly<Record<string, () => void>> = {
    open: () => void victim.openStream(c.below(2) === 0),
    write: () => victim.write(stream, pattern(c.pick([1, 100, 3000])), c.below(4) === 0),
    reset: () => victim.reset(stream, 7),
    stop: () => victim.stopSending(stream, 7),
    datagram: () => void victim.sendDatagram(pattern(100), 0, 100),
    hold: () => {
      told.consumes = !told.consumes;
    },
    update: () => void victim.updateKeys(),
    migrate: () => void victim.migrate(address(3, 4200 + c.below(8)), pair.now),
    close: () => victim.close(7, 'bye'),
  };
  const what = c.pick(['write', 'write', 'write', ...Object.keys(acts)]);
  try {
    acts[what]?.();
  } catch (error) {
    // It named a stream that does not exist, or has ended: its own mistake, told to nobody else.
    assert.equal((error as { fault?: string }).fault, 'local', String(error));
  }
  return `the application: ${what} ${stream}`;
};

const wait: Step = (c, scene) => {
  const us = c.pick([0, 1000, 30_000, 300_000, 5_000_000]);
  scene.wait(us);
  return `${us} us pass`;
};

/** Levels may come in any order, as long as there are keys. */
const level: Step = (c, scene) => {
  const chosen = c.pick(LEVELS);
  if (scene.canSeal(chosen)) scene.level = chosen;
  return `level ${scene.level}`;
};

const garbage: Step = (c, scene, past) => {
  const bytes = c.bytes(c.pick([1, 21, 40, 1200]));
  const like = past[c.below(past.length || 1)];
  if (like !== undefined) bytes.set(like.subarray(0, Math.min(bytes.length, 1 + c.below(20))));
  scene.deliver(bytes);
  return `garbage: ${hex(bytes.subarray(0, 40))}`;
};

/** The attacker's address is another one, or was rewritten on the way. */
const elsewhere: Step = (c, scene) => {
  const { pair } = scene;
  const moves = c.pick([1, 1, 8]);
  const probing = c.below(2) === 0;
  const n = c.below(12);
  if (n === 11) pair.rewriteServer = c.below(2) === 0 ? undefined : address(9, 443);
  else {
    for (let i = 0; i < moves; i++) {
      pair.clientAddress = address(2 + n + i, 4000 + n);
      scene.inject(probing ? frame(0x1a, pattern(8, i)) : frame(1));
    }
  }
  return `address ${n}, ${moves} times${probing ? ', probing' : ''}`;
};

/** The attacker's own connection, which knows how to behave, has a word or falls silent again. */
const voice: Step = (c, scene) => {
  scene.isSilent = !scene.isSilent;
  scene.isDeaf = scene.isSilent && c.below(4) === 0;
  return `silent: ${scene.isSilent}, deaf: ${scene.isDeaf}`;
};

const keys: Step = (_, { attacker }) => `the attacker updates its keys: ${attacker.updateKeys()}`;

const replay: Step = (c, scene, past) => {
  const bytes = past[c.below(past.length || 1)];
  if (bytes !== undefined) scene.deliver(bytes.slice());
  return `replay: ${hex((bytes ?? new Uint8Array()).subarray(0, 40))}`;
};

/** Numbers may be left out, as many as the encoding bears (RFC 9000 §17.1), or begin anew. */
const leap: Step = (c, scene) => {
  const { attacker, number } = scene;
  const base = number ?? attacker.parts.recovery.sent(2).nextPacketNumber;
  scene.number = Math.max(0, base + c.pick([2, 20, 4000, 2 ** 31 - 100, -3, -200]));
  return `numbers from ${scene.number} on`;
};

/** What may be done next, often or rarely. */
export const STEPS: readonly Step[] = [
  ...Array<Step>(14).fill(packet),
  ...Array<Step>(2).fill(flood),
  ...Array<Step>(4).fill(application),
  ...Array<Step>(3).fill(wait),
  ...[level, level, leap, garbage, elsewhere, voice, keys, replay],
];
