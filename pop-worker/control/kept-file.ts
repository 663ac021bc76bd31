import { fileFault } from '#telemetry/file-fault.ts';
import { type LoadedState, loadStateFiles, saveStateFile } from './state-file.ts';

/** After a write that failed it is tried again after so long, then after twice that, up to the most. */
const RETRY_MS = 2000;
const MAX_RETRY_MS = 60_000;

interface Unsaved {
  /** What it is, for people: `revision 5 is in force`. */
  readonly what: string;
  readonly content: Uint8Array;
}

/** A state file whose disk may fail: what cannot be written is told once, counted, and tried again until it can. */
export class KeptFile {
  readonly #file: string;
  readonly #onError: (error: unknown) => void;
  readonly #retryMs: number;
  #unsaved: Unsaved | undefined;
  #work: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitMs: number;
  #told: string | undefined;
  /** What the worker has started with instead of the newest file, which was damaged or missing; undefined: with that. */
  fallback: 'previous' | 'nothing' | undefined;
  /** Writes that failed. */
  failures = 0;
  /** Since when the newest is not on disk because a write failed, in milliseconds since 1970; undefined: it is. */
  failingSinceMs: number | undefined;

  /** @param onError is told why it is not on disk, once for the same reason in a row */
  constructor(file: string, onError: (error: unknown) => void, retryMs = RETRY_MS) {
    this.#file = file;
    this.#onError = onError;
    this.#retryMs = retryMs;
    this.#waitMs = retryMs;
  }

  /**
   * Candidates from the newest on. What may not be read counts as not there, and is told: the control plane has it too. So
   * is what is damaged, with what is done instead.
   */
  async load(): Promise<readonly LoadedState[]> {
    try {
      const { candidates, damaged } = await loadStateFiles(this.#file);
      if (damaged.length > 0 || candidates[0]?.isPrevious === true) this.#fellBack(damaged, candidates);
      return candidates;
    } catch (cause) {
      const text = `${this.#file} cannot be read, ${fileFault(cause)}; the worker starts as if nothing had been kept`;
      this.#onError(new Error(text));
      return [];
    }
  }

  #fellBack(damaged: readonly string[], [first]: readonly LoadedState[]): void {
    const what = damaged.length > 0 ? `${damaged.join(' and ')} is cut off or damaged` : `${this.#file} is missing`;
    const [done, fallback] =
      first === undefined
        ? [
            'the worker starts as if nothing had been kept, and serves once it hears the control plane',
            'nothing' as const,
          ]
        : first.isPrevious
          ? ['the worker starts with the one before, whose orders may be over by now', 'previous' as const]
          : ['the newest is good and is taken', undefined];
    this.fallback = fallback;
    this.#onError(new Error(`${what}: ${done}`));
  }

  /** Resolves once it is on disk, or is not for now; never rejects. @param what it is, as the beginning of a sentence */
  save(what: string, content: Uint8Array): Promise<void> {
    this.#unsaved = { what, content };
    return this.#tryAgain();
  }

  /** Tries a last time what is not on disk yet. */
  async close(): Promise<void> {
    await this.#tryAgain();
    clearTimeout(this.#timer);
  }

  #tryAgain(): Promise<void> {
    this.#work = this.#work.then(() => this.#write());
    return this.#work;
  }

  async #write(): Promise<void> {
    const unsaved = this.#unsaved;
    if (unsaved === undefined) return;
    clearTimeout(this.#timer);
    try {
      await saveStateFile(this.#file, unsaved.content);
      // There may be a newer one meanwhile, whose turn comes.
      if (this.#unsaved === unsaved) this.#unsaved = undefined;
      this.failingSinceMs = undefined;
      this.#told = undefined;
      this.#waitMs = this.#retryMs;
    } catch (error) {
      this.#failed(unsaved, error);
    }
  }

  #failed({ what }: Unsaved, cause: unknown): void {
    this.failures++;
    this.failingSinceMs ??= Date.now();
    const fault = fileFault(cause);
    if (fault !== this.#told) {
      const text = `${what} but not on disk: ${this.#file} cannot be written, ${fault}; the worker serves on and tries again`;
      this.#onError(new Error(text));
    }
    this.#told = fault;
    this.#timer = setTimeout(() => void this.#tryAgain(), this.#waitMs).unref();
    this.#waitMs = Math.min(2 * this.#waitMs, MAX_RETRY_MS);
  }
}
