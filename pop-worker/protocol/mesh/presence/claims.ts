import { NEVER, type TimeUs } from '../../contract.ts';

/**
 * How long a worker that a device came to waits for the one that had it to say that it stopped. Whoever has a device's
 * session stops sending to it by itself when it does not answer for max(150 ms, 3 RTT); this is longer.
 */
export const TAKEOVER_US = 500_000;
/** It is asked again so often. */
const ASK_AGAIN_US = 100_000;

interface Claim {
  readonly epoch: number;
  readonly from: Set<number>;
  readonly until: TimeUs;
  askAt: TimeUs;
}

/** Devices that came to us from elsewhere, until those who had them have stopped. */
export class Claims {
  readonly #claims = new Map<string, Claim>();

  get size(): number {
    return this.#claims.size;
  }

  has(key: string): boolean {
    return this.#claims.has(key);
  }

  /** @param from members that may still send the device something */
  open(key: string, epoch: number, from: ReadonlySet<number>, now: TimeUs): void {
    this.#claims.set(key, { epoch, from: new Set(from), until: now + TAKEOVER_US, askAt: now + ASK_AGAIN_US });
  }

  close(key: string): void {
    this.#claims.delete(key);
  }

  /** Whether this member is to be asked. */
  asks(key: string, member: number): boolean {
    return this.#claims.get(key)?.from.has(member) ?? false;
  }

  /** A member stopped. @returns the epoch, when it was the last one that was waited for */
  confirmed(key: string, member: number, epoch: number): number | undefined {
    const claim = this.#claims.get(key);
    if (claim === undefined || epoch < claim.epoch || !claim.from.delete(member) || claim.from.size > 0)
      return undefined;
    this.#claims.delete(key);
    return claim.epoch;
  }

  /** A member is dead, or none any more. @returns what nobody else is waited for */
  *freed(member: number): Generator<{ readonly key: string; readonly epoch: number }> {
    for (const [key, { from, epoch }] of this.#claims) {
      if (!from.delete(member) || from.size > 0) continue;
      this.#claims.delete(key);
      yield { key, epoch };
    }
  }

  /** What was waited for long enough. */
  *expired(now: TimeUs): Generator<{ readonly key: string; readonly epoch: number }> {
    for (const [key, { until, epoch }] of this.#claims) {
      if (until > now) return;
      this.#claims.delete(key);
      yield { key, epoch };
    }
  }

  /** Whom to ask again. */
  *again(now: TimeUs): Generator<{ readonly key: string; readonly member: number }> {
    for (const [key, claim] of this.#claims) {
      if (claim.askAt > now) continue;
      claim.askAt = now + ASK_AGAIN_US;
      for (const member of claim.from) yield { key, member };
    }
  }

  deadline(): TimeUs {
    let next = NEVER;
    for (const { until, askAt } of this.#claims.values()) next = Math.min(next, until, askAt);
    return next;
  }
}
