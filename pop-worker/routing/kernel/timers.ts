/** Deadlines by name: one that is set already stays as it is, so that any number of causes makes one thing happen. */
export class Timers {
  readonly #waiting = new Map<string, NodeJS.Timeout>();

  /** @param ms from now, unless it is to happen before */
  set(name: string, ms: number, act: () => unknown): void {
    if (this.#waiting.has(name)) return;
    const timer = setTimeout(() => {
      this.#waiting.delete(name);
      act();
    }, ms);
    timer.unref();
    this.#waiting.set(name, timer);
  }

  clear(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
