/**
 * What the receive windows of many connections may have together beyond those they begin with: so that peers that read
 * fast paths full cannot make one process hold `maxConnectionWindow` for each of them.
 */
export class WindowBudget {
  /** Bytes that are given out. */
  used = 0;
  readonly #max: number;
  readonly #refused: () => void;

  /** @param max in bytes @param refused a window would have grown, and could not */
  constructor(max: number, refused: () => void) {
    this.#max = max;
    this.#refused = refused;
  }

  /** @returns `false`: that is not left; nothing is taken */
  take(bytes: number): boolean {
    if (this.used + bytes > this.#max) {
      this.#refused();
      return false;
    }
    this.used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }
}
