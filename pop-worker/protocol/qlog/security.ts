import type { Parts } from '#protocol/quic/parts.ts';
import { Level } from '#protocol/quic/ports.ts';
import type { Emit, Fields } from './event.ts';
import { KEY_NAMES } from './names.ts';

const LEVELS = [Level.initial, Level.earlyData, Level.handshake, Level.oneRtt] as const;
const DIRECTIONS = ['read', 'write'] as const;
type Direction = (typeof DIRECTIONS)[number];

/** Which keys there are (quic-events §6); of keys themselves nothing is told. */
export class KeyEvents {
  readonly #parts: Parts;
  readonly #emit: Emit;
  /** What protected packets when last looked at, by direction and level. */
  readonly #held: Record<Direction, (object | undefined)[]> = { read: [], write: [] };
  readonly #updates: Record<Direction, number> = { read: 0, write: 0 };
  #holdsPrevious = false;
  /** Who began the latest key update. */
  #trigger = 'remote_update';

  constructor(parts: Parts, emit: Emit) {
    this.#parts = parts;
    this.#emit = emit;
  }

  look(): void {
    const { keys } = this.#parts;
    for (const level of LEVELS) {
      this.#keyOf('read', level, keys.opener(level));
      this.#keyOf('write', level, keys.sealer(level));
    }
    if (keys.updates !== this.#updates.read || keys.sendUpdates !== this.#updates.write) this.#updated();
    if (this.#holdsPrevious && !keys.holdsPrevious) {
      const old = { ...this.#name('read', Level.oneRtt), key_phase: this.#updates.read - 1, trigger: this.#trigger };
      this.#emit('quic:key_discarded', old);
    }
    this.#holdsPrevious = keys.holdsPrevious;
  }

  #keyOf(direction: Direction, level: Level, now: object | undefined): void {
    const held = this.#held[direction];
    if (held[level] === now) return;
    held[level] = now;
    const phase = level === Level.oneRtt && { key_phase: 0 };
    const what = now === undefined ? 'discarded' : 'updated';
    this.#emit(`quic:key_${what}`, { ...this.#name(direction, level), ...phase, trigger: 'tls' });
  }

  #updated(): void {
    const { keys } = this.#parts;
    const now = { read: keys.updates, write: keys.sendUpdates };
    const began = this.#updates;
    // Ours is first seen in what we send; the peer's changes both at once (RFC 9001 §6).
    if (now.write > began.write) this.#trigger = now.read > began.read ? 'remote_update' : 'local_update';
    for (const direction of DIRECTIONS) {
      if (now[direction] === began[direction]) continue;
      began[direction] = now[direction];
      const fields = { ...this.#name(direction, Level.oneRtt), key_phase: now[direction], trigger: this.#trigger };
      this.#emit('quic:key_updated', fields);
    }
  }

  #name(direction: Direction, level: Level): Fields {
    const bySender = (direction === 'write') === this.#parts.isServer ? 'server' : 'client';
    return { key_type: `${bySender}_${KEY_NAMES[level]}` };
  }
}
