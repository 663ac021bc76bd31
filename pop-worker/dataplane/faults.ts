import type { LabelsOf } from '#telemetry/metrics.ts';

/** What a bug ended. */
export type FaultPlace = LabelsOf<'cloudbridge_faults_total'>['ended'];

/** Different ones that are told of, each once: one that comes with every packet must not fill the disk. */
const MAX_TOLD = 100;

/**
 * Errors that nothing explains but a bug of ours, caught where the outside calls in: what they happened in ends, and the
 * thread goes on with everybody else's. An edge that a bug ends whole is ended by whoever finds the bug, PoP after PoP.
 */
export class Faults {
  readonly counters: Record<FaultPlace, number> = { connection: 0, tunnel: 0, packet: 0, command: 0, timer: 0 };
  readonly #tell: (place: FaultPlace, error: string) => void;
  readonly #told = new Set<string>();

  /** @param tell gets each different one once, with its stack */
  constructor(tell: (place: FaultPlace, error: string) => void) {
    this.#tell = tell;
  }

  note(place: FaultPlace, error: unknown): void {
    this.counters[place]++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.#told.has(text) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(text);
    this.#tell(place, text);
  }

  /** Goes on with a later answer. @param end ends what it was for, also when the answer is a bug */
  settle<T>(answer: Promise<T>, act: (value: T) => void, end: () => void): void {
    const broken = (error: unknown): never => {
      throw error;
    };
    answer.then(
      (value) => this.guard('tunnel', () => act(value), end),
      (error) => this.guard('tunnel', () => broken(error), end),
    );
  }

  /** Runs a step. @param end ends what it was for */
  guard(place: FaultPlace, act: () => void, end: () => void = () => {}): void {
    try {
      act();
    } catch (error) {
      this.note(place, error);
      try {
        end();
      } catch (again) {
        this.note(place, again);
      }
    }
  }
}
