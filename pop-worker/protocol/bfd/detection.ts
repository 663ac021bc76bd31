import { NEVER, type TimeUs } from '../contract.ts';

/** How often the Detection Time must pass in silence before the peer's sequence numbers are forgotten (RFC 5880 §6.8.1). */
const FORGET_AFTER = 2;

const HEARD_AT = 0;
const TIME = 1;
const SILENT_AT = 2;
const FORGET_AT = 3;

/** When the peer was heard, and until when it may be silent (RFC 5880 §6.8.4). Times lie in one array: nothing is boxed. */
export class Detection {
  readonly #times = Float64Array.of(NEVER, 0, NEVER, NEVER);

  /** The Detection Time; 0 before anything was heard. */
  get timeUs(): number {
    return this.#times[TIME] as number;
  }

  get deadline(): TimeUs {
    return Math.min(this.#times[SILENT_AT] as number, this.#times[FORGET_AT] as number);
  }

  /** It is timed from now on; `update` says for how long. */
  onHeard(now: TimeUs): void {
    const times = this.#times;
    times[HEARD_AT] = now;
    times[SILENT_AT] = now;
    times[FORGET_AT] = now;
  }

  /** The Detection Time may have changed; it runs from when the peer was heard last. What has passed stays passed. */
  update(timeUs: number): void {
    const times = this.#times;
    const heardAt = times[HEARD_AT] as number;
    if (heardAt === NEVER) return;
    times[TIME] = timeUs;
    if (times[SILENT_AT] !== NEVER) times[SILENT_AT] = heardAt + timeUs;
    if (times[FORGET_AT] !== NEVER) times[FORGET_AT] = heardAt + FORGET_AFTER * timeUs;
  }

  /** @returns whether the Detection Time has passed in silence; true once */
  isSilent(now: TimeUs): boolean {
    if (now < (this.#times[SILENT_AT] as number)) return false;
    this.#times[SILENT_AT] = NEVER;
    return true;
  }

  /** @returns whether it has passed twice; true once */
  isForgotten(now: TimeUs): boolean {
    if (now < (this.#times[FORGET_AT] as number)) return false;
    this.#times[FORGET_AT] = NEVER;
    return true;
  }
}
