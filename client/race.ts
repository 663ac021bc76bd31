import { ConnectFailure } from './failure.ts';
import { type DialTarget, Line, type Link, type LinkSink } from './link.ts';

/** Calls back once, some microseconds from now. @returns cancels it */
export type After = (us: number, callback: () => void) => () => void;

export interface RaceOptions<L extends Link> {
  readonly targets: readonly DialTarget[];
  /** Tried besides once the others have all failed, or none was ready so long after the start. */
  readonly later?: { readonly targets: readonly DialTarget[]; readonly afterUs: number };
  readonly dial: (target: DialTarget, sink: LinkSink) => L;
  readonly after: After;
  /** Every ticket that comes, also of lines that lose. */
  readonly ticket: (target: DialTarget, data: Uint8Array) => void;
}

/** RFC 8305 §8: Connection Attempt Delay. */
const STAGGER_US = 250_000;
/** An attempt that takes longer is given up; a next one starts with a fresh first flight. */
const ATTEMPT_US = { quic: 3_000_000, tcp: 1_500_000 } as const;

/**
 * Whoever has answered and then says nothing may be dead: no reset comes for a handshake (RFC 9000 §10.3). After so long its address
 * is tried once more besides, for another may be there by now.
 */
const HUNG_US = 500_000;
const HUNG_LOOK_US = 250_000;

const SILENT = {
  quic: (label = '') => `${label} does not answer (QUIC, UDP): is it up, is UDP allowed`,
  tcp: (label = '') => `${label} does not answer (TCP): is it up, is it allowed`,
} as const;

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
  readonly #again = new Set<DialTarget>();
  readonly #waiting: DialTarget[];
  #later: readonly DialTarget[];
  #over = false;

  constructor(options: RaceOptions<L>) {
    this.#options = options;
    this.#waiting = [...options.targets];
    this.#later = options.later?.targets ?? [];
    this.#startNext();
    if (this.#later.length > 0) this.#after(options.later?.afterUs ?? 0, () => this.#startLater());
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
    const target = this.#waiting.shift();
    if (target === undefined) {
      if (this.#lines.size === 0) this.#startLater();
      this.#checkLost();
      return;
    }
    const line: Line<L> = new Line<L>(target, {
      ready: () => this.#finish(line, undefined),
      opened: () => {},
      refused: () => {},
      leaving: () => this.#leave(line),
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
    if (!this.#again.has(target)) this.#look(line, 0, HUNG_US);
    this.#after(ATTEMPT_US[target.carrier], () => {
      if (!this.#lines.has(line)) return;
      line.link?.close();
      this.#lose(line, new ConnectFailure(SILENT[target.carrier](line.link?.label)));
    });
  }

  /** @param received packets when it was looked at last @param leftUs of silence that it still has */
  #look(line: Line<L>, received: number, leftUs: number): void {
    this.#after(HUNG_LOOK_US, () => {
      if (!this.#lines.has(line)) return;
      const now = line.link?.packetsReceived() ?? 0;
      const left = now > received ? HUNG_US : leftUs - HUNG_LOOK_US;
      if (now === 0 || left > 0) this.#look(line, now, left);
      else {
        const again = { ...line.target };
        this.#again.add(again);
        this.#waiting.unshift(again);
        this.#startNext();
      }
    });
  }

  #startLater(): void {
    const later = this.#later;
    if (this.#over || later.length === 0) return;
    this.#later = [];
    this.#waiting.push(...later);
    this.#startNext();
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

  /** Not yet of use, and no more. */
  #leave(line: Line<L>): void {
    line.link?.close();
    this.#lose(line, new ConnectFailure(`${line.link?.label} goes out of service`));
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
