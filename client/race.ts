import { ConnectFailure } from './failure.ts';
import { type DialTarget, Line, type Link, type LinkSink } from './link.ts';

/** Calls back once, some microseconds from now. @returns cancels it */
export type After = (us: number, callback: () => void) => () => void;

export interface RaceOptions<L extends Link> {
  readonly targets: readonly DialTarget[];
  readonly dial: (target: DialTarget, sink: LinkSink) => L;
  readonly after: After;
  /** Every ticket that comes, also of lines that lose. */
  readonly ticket: (target: DialTarget, data: Uint8Array) => void;
}

/** RFC 8305 §8: Connection Attempt Delay. */
const STAGGER_US = 250_000;
/** An attempt that takes longer is given up; a next one starts with a fresh first flight. */
export const ATTEMPT_US = 3_000_000;

/** Addresses of both families in turn, the first family first (RFC 8305 §4). */
export const interleave = (addresses: readonly string[]): string[] => {
  const isV6 = (address: string): boolean => address.includes(':');
  const first = addresses.filter((address) => isV6(address) === isV6(addresses[0] ?? ''));
  const second = addresses.filter((address) => !first.includes(address));
  const all: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    for (const list of [first, second]) if (list[i] !== undefined) all.push(list[i] as string);
  }
  return all;
};

/**
 * Tries addresses one after the other without waiting long for each (RFC 8305 §5); the first that is ready wins, the
 * others are closed.
 */
export class Race<L extends Link> {
  readonly #options: RaceOptions<L>;
  readonly #lines = new Set<Line<L>>();
  readonly #cancels = new Set<() => void>();
  readonly #failures: ConnectFailure[] = [];
  readonly #result = Promise.withResolvers<Line<L> | ConnectFailure>();
  #next = 0;
  #over = false;

  constructor(options: RaceOptions<L>) {
    this.#options = options;
    this.#startNext();
  }

  /** The line that won, or why none did. */
  get result(): Promise<Line<L> | ConnectFailure> {
    return this.#result.promise;
  }

  cancel(): void {
    this.#finish(undefined, new ConnectFailure('stopped'));
  }

  #startNext(): void {
    if (this.#over) return;
    const target = this.#options.targets[this.#next++];
    if (target === undefined) {
      this.#checkLost();
      return;
    }
    const line: Line<L> = new Line<L>(target, {
      ready: () => this.#finish(line, undefined),
      opened: () => {},
      refused: () => {},
      ticket: (data) => this.#options.ticket(target, data),
      lost: (failure) => this.#lose(line, failure),
    });
    this.#lines.add(line);
    try {
      line.link = this.#options.dial(target, line);
    } catch (error) {
      this.#lose(line, error instanceof ConnectFailure ? error : new ConnectFailure(String(error)));
      return;
    }
    this.#after(STAGGER_US, () => this.#startNext());
    this.#after(ATTEMPT_US, () => {
      if (!this.#lines.has(line)) return;
      line.link?.close();
      this.#lose(line, new ConnectFailure(`${line.link?.label} does not answer (QUIC, UDP): is it up, is UDP allowed`));
    });
  }

  #after(us: number, callback: () => void): void {
    const cancel = this.#options.after(us, () => {
      this.#cancels.delete(cancel);
      callback();
    });
    this.#cancels.add(cancel);
  }

  #lose(line: Line<L>, failure: ConnectFailure): void {
    if (!this.#lines.delete(line) || this.#over) return;
    this.#failures.push(failure);
    this.#startNext();
  }

  #checkLost(): void {
    if (this.#lines.size > 0) return;
    const failure = this.#failures.find(({ severity }) => severity !== 'temporary') ?? this.#failures[0];
    this.#finish(undefined, failure ?? new ConnectFailure('there is no address to try'));
  }

  #finish(winner: Line<L> | undefined, failure: ConnectFailure | undefined): void {
    if (this.#over) return;
    this.#over = true;
    for (const cancel of this.#cancels) cancel();
    for (const line of this.#lines) if (line !== winner) line.link?.close();
    this.#lines.clear();
    this.#result.resolve(winner ?? (failure as ConnectFailure));
  }
}
