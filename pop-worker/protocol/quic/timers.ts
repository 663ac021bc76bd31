import { NEVER, type TimeUs } from '../contract.ts';
import type { Parts } from './parts.ts';
import { Level } from './ports.ts';
import { Space } from './recovery/recovery.ts';

const SPACES = [
  [Space.initial, Level.initial],
  [Space.handshake, Level.handshake],
  [Space.application, Level.oneRtt],
] as const;

/** When an open connection must be looked at again, and what is due then. */
export class Timers {
  readonly #parts: Parts;
  readonly #handshakeEnds: TimeUs;
  #dropKeysAt: TimeUs = NEVER;
  /** Whatever is due and was not done by then waits for something else to happen. */
  #polled: TimeUs = -1;
  #pacedUntil: TimeUs = NEVER;

  constructor(parts: Parts, now: TimeUs) {
    this.#parts = parts;
    this.#handshakeEnds = now + parts.config.handshakeTimeoutUs;
  }

  /** @param pacedUntil when the pacer lets the next packet go, NEVER when it does not matter */
  onPolled(now: TimeUs, pacedUntil: TimeUs): void {
    this.#polled = now;
    this.#pacedUntil = pacedUntil;
  }

  deadline(): TimeUs {
    const { recovery, keys, spaces, idle, paths, handshake } = this.#parts;
    let first = Math.min(recovery.deadline(), idle.deadline(recovery.ptoUs(Space.application)), paths.deadline());
    for (const [space, level] of SPACES) {
      if (keys.sealer(level) === undefined) continue;
      const due = spaces[space].ack.deadline();
      if (due > this.#polled) first = Math.min(first, due);
    }
    if (handshake.isComplete) first = Math.min(first, idle.keepAliveDeadline());
    else first = Math.min(first, this.#handshakeEnds);
    if (keys.holdsPrevious) first = Math.min(first, this.#dropKeysAt);
    return Math.min(first, this.#pacedUntil);
  }

  /** The peer's keys changed: the former ones go in a while (RFC 9001 §6.5). */
  onReceived(now: TimeUs): void {
    const { keys, recovery } = this.#parts;
    if (!keys.holdsPrevious) this.#dropKeysAt = NEVER;
    else if (this.#dropKeysAt === NEVER) this.#dropKeysAt = now + 3 * recovery.ptoUs(Space.application);
  }

  onTimeout(now: TimeUs): void {
    const { recovery, keys, spaces, idle, paths, handshake } = this.#parts;
    if (now >= idle.deadline(recovery.ptoUs(Space.application))) {
      this.#parts.onIdle('idle timeout', now);
      return;
    }
    if (!handshake.isComplete && now >= this.#handshakeEnds) {
      this.#parts.onIdle('handshake timeout', now);
      return;
    }
    if (now >= this.#pacedUntil) this.#pacedUntil = NEVER;
    if (recovery.deadline() <= now && recovery.onTimeout(now) === 'probe') this.#probe();
    if (keys.holdsPrevious && now >= this.#dropKeysAt) keys.dropPrevious();
    paths.onTimeout(now);
    if (handshake.isComplete && now >= idle.keepAliveDeadline()) spaces[Space.application].ping = true;
  }

  /** RFC 9002 §6.2.4: what is oldest is sent again, a packet of it for each one owed; PING where there is nothing. */
  #probe(): void {
    const { recovery, spaces } = this.#parts;
    for (const space of spaces) {
      for (let owed = recovery.probesOwed(space.id); owed > 0 && !space.ping; owed--) {
        if (!recovery.probe(space.id)) space.ping = true;
      }
    }
  }
}
