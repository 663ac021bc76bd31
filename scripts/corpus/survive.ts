import { getHeapStatistics } from 'node:v8';
import { type Case, mutants } from './corpus.ts';

/** What one input may cost: processor time of this thread, and bytes of memory, fixed and for each byte of input. */
export interface Bounds {
  readonly cpuMs: number;
  readonly bytes: number;
  readonly bytesPerByte: number;
}

/** Two orders of magnitude above what any parser takes; a loop without end or a length that is believed is far beyond. */
const BOUNDS: Bounds = { cpuMs: 1000, bytes: 8 * 1024 * 1024, bytesPerByte: 1024 };

export interface SurviveOptions {
  readonly seed?: number;
  /** Inputs made of the corpus, besides the corpus itself. */
  readonly mutants?: number;
  readonly bounds?: Partial<Bounds>;
}

const MUTANTS = 5000;

/** Memory in use; grows with all that is allocated until it is collected, so that growth is never below what is kept. */
const memory = (): number => {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
};

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** One parser with what it is tried on. */
export interface Trial {
  readonly cases: readonly Case[];
  readonly take: (bytes: Uint8Array) => void | Promise<void>;
  readonly isAsync: boolean;
  readonly bounds: Partial<Bounds>;
}

/** Takes each trial instead of what it would do: `npm run fuzz`, which goes on from there. */
let collector: ((trial: Trial) => void) | undefined;

export const collectTrials = (collect: typeof collector): void => {
  collector = collect;
};

/** Whether an input stays within bounds: `begin` before it is taken, `end` after. */
export class Meter {
  readonly #bounds: Bounds;
  #memory = 0;
  #cpuMs = 0;

  constructor(bounds: Partial<Bounds> = {}) {
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  begin(): void {
    this.#memory = memory();
    this.#cpuMs = cpuMs();
  }

  /** @throws Error when it took too much */
  end(input: Uint8Array): void {
    const [bytes, ms] = [memory() - this.#memory, cpuMs() - this.#cpuMs];
    const allowed = this.#bounds.bytes + input.length * this.#bounds.bytesPerByte;
    if (bytes > allowed) throw new Error(`took ${bytes} bytes of memory, more than ${allowed}`);
    if (ms > this.#bounds.cpuMs) throw new Error(`took ${ms} ms of processor time, more than ${this.#bounds.cpuMs}`);
  }
}

const inputs = function* (cases: readonly Case[], { seed, mutants: count = MUTANTS }: SurviveOptions) {
  for (const { bytes } of cases) yield bytes;
  yield* mutants(cases, seed ?? seedOfProcess(), count);
};

/** `CBR_CORPUS_SEED` looks elsewhere: a number that no commit has tried. */
const seedOfProcess = (): number => Number(process.env['CBR_CORPUS_SEED'] ?? 1);

/** In the form of a case, to be put into the corpus. */
const blame = (input: Uint8Array, cause: unknown): Error =>
  new Error(
    `${cause instanceof Error ? cause.message : String(cause)}\n  input: { "hex": "${Buffer.from(input).toString('hex')}" }`,
    {
      cause,
    },
  );

/**
 * Hands each case and what is made of them to a parser, which must not throw and must stay within its bounds.
 *
 * @param take asserts whatever must hold for any input
 * @throws Error with the input in hexadecimal
 */
export const survive = (
  cases: readonly Case[],
  take: (bytes: Uint8Array) => void,
  options: SurviveOptions = {},
): void => {
  if (collector !== undefined) {
    collector({ cases, take, isAsync: false, bounds: options.bounds ?? {} });
    return;
  }
  const meter = new Meter(options.bounds);
  for (const input of inputs(cases, options)) {
    try {
      meter.begin();
      take(input);
      meter.end(input);
    } catch (cause) {
      throw blame(input, cause);
    }
  }
};

/** The same for a parser that takes its time. */
export const surviveAsync = async (
  cases: readonly Case[],
  take: (bytes: Uint8Array) => Promise<void>,
  options: SurviveOptions = {},
): Promise<void> => {
  if (collector !== undefined) {
    collector({ cases, take, isAsync: true, bounds: options.bounds ?? {} });
    return;
  }
  const meter = new Meter(options.bounds);
  for (const input of inputs(cases, options)) {
    try {
      meter.begin();
      await take(input);
      meter.end(input);
    } catch (cause) {
      throw blame(input, cause);
    }
  }
};
