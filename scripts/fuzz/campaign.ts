import { Script } from 'node:vm';
import { mutant, numbers } from '../corpus/corpus.ts';
import { shrink } from '../corpus/shrink.ts';
import { Meter } from '../corpus/survive.ts';
import type { NamedTrial } from './collect.ts';
import type { Coverage } from './coverage.ts';

export interface Outcome {
  readonly runs: number;
  readonly seconds: number;
  /** Blocks of code that ran for the first time. */
  readonly features: number;
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly input: Uint8Array;
  /** What was thrown, or what took too long. */
  readonly message: string;
}

/** Inputs are tried for so long before coverage is looked at: looking costs as much as some milliseconds. */
const TURN_MS = 40;
/** A parser that does not come back for so long never will: nothing may take more than a second of processor time. */
const HANG_MS = 5000;
/** Of the time; the rest tries what was found at full speed. */
const GUIDED_SHARE = 0.4;
/** One input in so many is made of those that were found last. */
const RECENT_EVERY = 2;
const RECENT = 16;

const MOST_PLACES = 8;
const HANGS = 'Script execution timed out';

/** What went wrong, and where; V8 may put the line itself in front of it. */
const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  const places = (cause.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return [`${cause.name}: ${cause.message}`, ...places.slice(0, MOST_PLACES)].join('\n');
};

const slot = Symbol.for('cloudbridge.fuzz.turn');
const guarded = new Script(`globalThis[Symbol.for('${slot.description}')]()`);

/** Runs it, and throws when it does not come back. Only code that does not wait can be stopped. */
const withinTime = (act: () => void): void => {
  Object.assign(globalThis, { [slot]: act });
  guarded.runInThisContext({ timeout: HANG_MS });
};

/** One parser, tried until the time is over or it fails. */
export class Campaign {
  readonly #trial: NamedTrial;
  readonly #coverage: Coverage | undefined;
  readonly #below: (n: number) => number;
  readonly #pool: Uint8Array[];
  readonly #meter: Meter;
  #runs = 0;
  #features = 0;
  #seconds = 0;
  #failure: Failure | undefined;
  /** The input at hand, for who was interrupted. */
  #current = new Uint8Array();

  constructor(trial: NamedTrial, seed: number, coverage: Coverage | undefined) {
    this.#trial = trial;
    this.#coverage = coverage;
    this.#below = numbers(seed);
    this.#pool = trial.cases.map(({ bytes }) => bytes);
    this.#meter = new Meter(trial.bounds);
    if (this.#pool.length === 0) this.#pool.push(new Uint8Array());
  }

  /**
   * Goes on where an earlier call ended; after a failure there is nothing more to do.
   *
   * @param guided whether code is counted meanwhile
   */
  async run(ms: number, guided: boolean): Promise<Outcome> {
    const start = performance.now();
    if (this.#failure === undefined) {
      const failure = await this.#search(start + ms, guided);
      this.#failure = failure && this.#shrink(failure);
    }
    this.#seconds += (performance.now() - start) / 1000;
    const [runs, seconds, features] = [this.#runs, this.#seconds, this.#features];
    return { runs, seconds, features, failure: this.#failure };
  }

  async #search(end: number, guided: boolean): Promise<Failure | undefined> {
    const news = (): number => (guided ? (this.#coverage?.news() ?? 0) : 0);
    let failure = this.#runs === 0 ? await this.#attempt(this.#pool.slice()) : undefined;
    this.#features += news();
    while (failure === undefined && performance.now() < end) {
      const inputs: Uint8Array[] = [];
      failure = await this.#turn(inputs, Math.min(end, performance.now() + TURN_MS));
      if (failure === undefined && news() > 0) failure = await this.#keep(inputs);
    }
    return failure;
  }

  #make(): Uint8Array {
    const pool = this.#pool;
    const isRecent = this.#below(RECENT_EVERY) === 0;
    const from = isRecent ? Math.max(0, pool.length - RECENT) : 0;
    return mutant(() => pool[from + this.#below(pool.length - from)] as Uint8Array, this.#below);
  }

  /** New inputs until the time is over; they are put into `inputs`. */
  async #turn(inputs: Uint8Array[], until: number): Promise<Failure | undefined> {
    const next = (): Uint8Array => {
      const input = this.#make();
      inputs.push(input);
      return input;
    };
    return this.#drive(() => (inputs.length === 0 || performance.now() < until ? next() : undefined));
  }

  async #attempt(inputs: readonly Uint8Array[]): Promise<Failure | undefined> {
    let i = 0;
    return this.#drive(() => inputs[i++]);
  }

  async #drive(next: () => Uint8Array | undefined): Promise<Failure | undefined> {
    const { take, isAsync } = this.#trial;
    try {
      if (isAsync) {
        for (let input = next(); input !== undefined; input = next()) {
          this.#begin(input);
          await take(input);
          this.#meter.end(input);
        }
      } else {
        let isOver = false;
        const some = (): void => {
          for (const end = performance.now() + TURN_MS; !isOver && performance.now() < end; ) {
            const input = next();
            isOver = input === undefined;
            if (input === undefined) break;
            this.#begin(input);
            take(input);
            this.#meter.end(input);
          }
        };
        while (!isOver) withinTime(some);
      }
      return undefined;
    } catch (cause) {
      return { input: this.#current, message: messageOf(cause) };
    }
  }

  #begin(input: Uint8Array): void {
    this.#current = input.slice();
    this.#runs++;
    this.#meter.begin();
  }

  /** Some of these ran what never ran: which ones is found by halving. They join the pool. */
  async #keep(inputs: readonly Uint8Array[]): Promise<Failure | undefined> {
    this.#coverage?.forgetLast();
    const search = async (some: readonly Uint8Array[]): Promise<Failure | undefined> => {
      const failure = await this.#attempt(some);
      if (failure !== undefined) return failure;
      const features = this.#coverage?.news() ?? 0;
      if (features === 0) return undefined;
      const [only] = some;
      if (some.length === 1 && only !== undefined) {
        this.#features += features;
        this.#pool.push(only);
        return undefined;
      }
      this.#coverage?.forgetLast();
      const half = some.length >> 1;
      return (await search(some.slice(0, half))) ?? (await search(some.slice(half)));
    };
    return search(inputs);
  }

  #shrink({ input, message }: Failure): Failure {
    const { take, isAsync } = this.#trial;
    if (isAsync || message.includes(HANGS)) return { input, message };
    let last = message;
    const kind = (text: string): string => (text.split('\n')[0] ?? '').replaceAll(/\d+/g, '#');
    const fails = (bytes: Uint8Array): boolean => {
      try {
        this.#meter.begin();
        take(bytes.slice());
        this.#meter.end(bytes);
        return false;
      } catch (cause) {
        const found = messageOf(cause);
        if (kind(found) !== kind(message)) return false;
        last = found;
        return true;
      }
    };
    const smallest = shrink(input, fails);
    return { input: smallest, message: last };
  }
}

export const guidedMs = (ms: number): number => GUIDED_SHARE * ms;
