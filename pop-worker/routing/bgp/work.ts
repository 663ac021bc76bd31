import { nowUs } from '#host/clock/clock.ts';
import { type Speaker, SpeakerOutput } from '#protocol/bgp/speaker.ts';
import type { Entries } from './entries.ts';
import type { BgpNotice } from './messages.ts';
import type { RouteTables } from './route-tables.ts';

/** Bytes that are handed to a socket at once. */
const OUTPUT_BYTES = 128 * 1024;
/** So often something is sent before others have their turn. */
const MOST_POLLS = 64;
/** Timers of Node know no more than 2^31 ms: what is farther away is looked at now and then. */
const MOST_WAIT_MS = 3_600_000;
/** Flow specifications are looked at so much after routes have changed. */
const VALIDATION_MS = 200;

export interface WorkParts {
  readonly speaker: Speaker;
  readonly entries: Entries;
  readonly tables: Pick<RouteTables, 'owesValidation' | 'validateFlows'>;
  /** To the main thread, at once. */
  readonly post: (notice: BgpNotice) => void;
}

/** Does what the speaker wants done, when it is time: sends, connects, closes, and then tells the main thread. */
export class Work {
  readonly #parts: WorkParts;
  /** Not posted yet: neighbours hear of what has changed before the main thread does, whose waking takes time from this one. */
  #notices: BgpNotice[] = [];
  #out = new SpeakerOutput(OUTPUT_BYTES);
  /** To be used again: without them garbage would pile up while neighbours take a full table. */
  readonly #spare: SpeakerOutput[] = [];
  #isAwake = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #validation: NodeJS.Timeout | undefined;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  /** Does what there is to do, once whatever waits at sockets was read. */
  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    setImmediate(() => this.#work());
  }

  /** Tells the main thread, once neighbours were told. */
  notify(notice: BgpNotice): void {
    this.#notices.push(notice);
    this.wake();
  }

  /** Does now what neighbours are to be told. */
  flush(): void {
    while (this.#pollOnce());
  }

  /** What a connection of that neighbour could not send at once has gone. */
  drained(index: number, isOutgoing: boolean): void {
    const held = this.#parts.entries.at(index)?.held;
    const way = isOutgoing ? 'outgoing' : 'incoming';
    if (held?.[way] === undefined) return;
    this.#spare.push(held[way]);
    held[way] = undefined;
  }

  /** Posts what there is to be told, and wakes by no timer from now on. */
  close(): void {
    this.#postNotices();
    clearTimeout(this.#timer);
    clearTimeout(this.#validation);
  }

  #work(): void {
    this.#isAwake = false;
    let polls = 0;
    while (polls < MOST_POLLS && this.#pollOnce()) polls++;
    if (this.#notices.length > 0) this.#postNotices();
    if (polls === MOST_POLLS) {
      this.wake();
      return;
    }
    this.#arm();
    if (this.#parts.tables.owesValidation) this.#validateSoon();
  }

  #postNotices(): void {
    const notices = this.#notices;
    this.#notices = [];
    for (const notice of notices) this.#parts.post(notice);
  }

  /** Once for all that changes within a while. */
  #validateSoon(): void {
    this.#validation ??= setTimeout(() => {
      this.#validation = undefined;
      this.#parts.tables.validateFlows();
      this.wake();
    }, VALIDATION_MS);
  }

  /** @returns whether there was something to do */
  #pollOnce(): boolean {
    const out = this.#out;
    if (!this.#parts.speaker.poll(nowUs(), out)) return false;
    const entry = this.#parts.entries.at(out.neighbour);
    if (entry === undefined) return true;
    if (out.kind === 'connect') entry.streams.connect();
    else if (out.kind === 'close') entry.streams.close(out.isOutgoing, out.isReset);
    else if (!entry.streams.send(out.isOutgoing, out.buffer.subarray(0, out.length))) {
      // The socket holds on to it.
      entry.held[out.isOutgoing ? 'outgoing' : 'incoming'] = out;
      this.#out = this.#spare.pop() ?? new SpeakerOutput(OUTPUT_BYTES);
      const { outgoing, incoming } = entry.neighbour;
      (out.isOutgoing ? outgoing : incoming).setBlocked(true, nowUs());
    }
    return true;
  }

  #arm(): void {
    const { speaker } = this.#parts;
    const at = speaker.deadline();
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const ms = Math.min(MOST_WAIT_MS, Math.max(0, Math.ceil((at - nowUs()) / 1000)));
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      // What came while this thread was held up is read first: it may be what was waited for.
      setImmediate(() => {
        speaker.expire(nowUs());
        this.wake();
      });
    }, ms);
  }
}
