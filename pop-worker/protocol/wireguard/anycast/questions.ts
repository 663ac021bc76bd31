import { DESCRIPTOR_WORDS } from '../../burst.ts';
import type { TimeUs } from '../../contract.ts';
import type { Peer } from '../peer.ts';
import type { Identity } from '../ports.ts';
import { Deadlines, NO_SLOT, type Scheduled } from '../timers/deadlines.ts';
import { QUESTIONS_A_SECOND, TokenBucket } from './budget.ts';

/** Those that are not answered yet; while there are so many nothing is asked. */
export const MOST_QUESTIONS = 1024;
/** For one peer something is asked so often at most, whoever sends in its name. */
export const ASK_AGAIN_US = 50_000;
/** Whoever was asked, and says nothing at all for so long, may be gone. */
export const SILENCE_US = 50_000;
/** Before somebody is taken for gone what has come of him meanwhile is read: a thread that was late has not done so yet. */
export const GLANCE_US = 2000;
/** Of whoever is heard an answer is awaited for so long: the longest round trip between two workers. */
export const ANSWER_US = 1e6;

/** What the worker that has a peer's session says of a datagram in its name. */
export type Verdict = 'authentic' | 'forged' | 'absent';

/** Whether a datagram in a peer's name is of the peer, put to the worker that has its session. */
export class Question implements Scheduled {
  deadlineSlot = NO_SLOT;
  /** Not 0. */
  readonly number: number;
  readonly peer: Peer;
  readonly holder: number;
  /** The descriptor of the datagram. */
  readonly words: Int32Array;
  readonly bytes: number;
  /** It was a response, by whose mac1 its sender knows this key of ours. */
  readonly knows: Identity | undefined;
  readonly askedAt: TimeUs;
  /** Its worker has been silent for long enough, unless something of it lies there unread. */
  isDue = false;

  constructor(
    number: number,
    peer: Peer,
    holder: number,
    words: Int32Array,
    at: number,
    bytes: number,
    knows: Identity | undefined,
    askedAt: TimeUs,
  ) {
    this.number = number;
    this.peer = peer;
    this.holder = holder;
    this.words = words.slice(at, at + DESCRIPTOR_WORDS);
    this.bytes = bytes;
    this.knows = knows;
    this.askedAt = askedAt;
  }
}

/** What other workers were asked and have not answered: a bounded number, each with a deadline. */
export class Questions {
  readonly counters = {
    /** Went there. */
    asked: 0,
    /** Answered: it was authentic. */
    vouched: 0,
    /** …it was not. */
    denied: 0,
    /** …there is no session of that peer any more. */
    absent: 0,
    /** The worker said nothing at all. */
    silent: 0,
    /** It was heard, but not about this. */
    unanswered: 0,
    /** There was no room for it: nothing was asked. */
    refused: 0,
    /** Answers to what was not asked, or not of that worker, or too long ago. */
    unasked: 0,
  };
  readonly #byNumber = new Map<number, Question>();
  readonly #deadlines = new Deadlines<Question>();
  readonly #bucket = new TokenBucket(QUESTIONS_A_SECOND);
  #last = 0;

  /** When the first is looked at. */
  get first(): TimeUs {
    return this.#deadlines.first;
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** @param at the descriptor, in `words`, of what came @returns a question that is asked once it was `sent`; undefined: none may be */
  ask(
    peer: Peer,
    holder: number,
    words: Int32Array,
    at: number,
    bytes: number,
    knows: Identity | undefined,
    now: TimeUs,
  ): Question | undefined {
    if (now - peer.askedAt < ASK_AGAIN_US) return undefined;
    if (this.size >= MOST_QUESTIONS || !this.#bucket.take(now)) {
      this.counters.refused++;
      return undefined;
    }
    // 0 is none.
    this.#last = (this.#last + 1) >>> 0 || 1;
    return new Question(this.#last, peer, holder, words, at, bytes, knows, now);
  }

  /** It is on its way. */
  sent(question: Question): void {
    this.counters.asked++;
    question.peer.askedAt = question.askedAt;
    this.#byNumber.set(question.number, question);
    this.#deadlines.set(question, question.askedAt + SILENCE_US);
  }

  /** @returns what this answers */
  answered(number: number, holder: number, verdict: Verdict): Question | undefined {
    const question = this.#byNumber.get(number);
    if (question === undefined || question.holder !== holder) {
      this.counters.unasked++;
      return undefined;
    }
    this.#byNumber.delete(number);
    this.#deadlines.delete(question);
    this.counters[COUNTERS[verdict]]++;
    return question;
  }

  /** @returns one whose time has come, which is not there any more unless it `waits` on */
  take(now: TimeUs): Question | undefined {
    const question = this.#deadlines.take(now);
    if (question !== undefined) this.#byNumber.delete(question.number);
    return question;
  }

  /** Until then its worker may answer yet. */
  waits(question: Question, until: TimeUs, now: TimeUs): void {
    const last = question.askedAt + ANSWER_US;
    if (last <= now) {
      this.counters.unanswered++;
      return;
    }
    this.#byNumber.set(question.number, question);
    this.#deadlines.set(question, Math.min(until, last));
  }
}

const COUNTERS = { authentic: 'vouched', forged: 'denied', absent: 'absent' } as const;
