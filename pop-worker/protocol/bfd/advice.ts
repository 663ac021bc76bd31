import { NEVER, type TimeUs } from '../contract.ts';
import { State } from './state.ts';

/** What a client of a session is to do: nothing, take the path for failed, or take it for working. */
export type Verdict = 'none' | 'failed' | 'working';

export interface AdviceOptions {
  /** The client notices by itself when its peer is gone, as routing protocols do (RFC 5882 §3.2). */
  readonly hasOwnLiveness: boolean;
  /** A failure that is over within this time is not told (RFC 5882 §3.1); 0: each is. */
  readonly patienceUs: number;
}

/** What one client is told of a session: RFC 5882's rules between states of BFD and what a client makes of them. */
export class Advice {
  readonly #options: AdviceOptions;
  #state: State = State.down;
  #remoteState: State = State.down;
  /** The client takes the path for working because of us. */
  #isTold = false;
  readonly #failsAt = Float64Array.of(NEVER);

  constructor(options: AdviceOptions) {
    this.#options = options;
  }

  /** When to call `onTime`. */
  get deadline(): TimeUs {
    return this.#failsAt[0] as number;
  }

  /** The session came to `to`, or its peer reported another state. */
  onChange(to: State, remoteState: State, now: TimeUs): Verdict {
    this.#state = to;
    this.#remoteState = remoteState;
    if (to === State.up) {
      this.#failsAt[0] = NEVER;
      const verdict = this.#isTold ? 'none' : 'working';
      this.#isTold = true;
      return verdict;
    }
    // §3.3: what never was Up has not failed.
    if (!this.#isTold) return 'none';
    if (this.#isAdministrative && this.#options.hasOwnLiveness) {
      // §3.2, §4.2: says nothing about the path.
      this.#isTold = false;
      this.#failsAt[0] = NEVER;
      return 'none';
    }
    if (this.#failsAt[0] !== NEVER) return 'none';
    if (this.#options.patienceUs === 0) return this.#fail();
    this.#failsAt[0] = now + this.#options.patienceUs;
    return 'none';
  }

  onTime(now: TimeUs): Verdict {
    return now < (this.#failsAt[0] as number) ? 'none' : this.#fail();
  }

  /**
   * Whether a client may establish its adjacency (RFC 5882 §4.1).
   *
   * @param isWilling the peer is known to do BFD too; without that nothing is held up by its absence
   */
  mayEstablish(isWilling: boolean): boolean {
    return this.#state === State.up || this.#isAdministrative || !isWilling;
  }

  get #isAdministrative(): boolean {
    return this.#state === State.adminDown || this.#remoteState === State.adminDown;
  }

  #fail(): Verdict {
    this.#failsAt[0] = NEVER;
    this.#isTold = false;
    return 'failed';
  }
}
