const EVERY_MS = 100;

export interface DrainWatchPorts {
  /** Sessions that are here. */
  readonly sessions: () => Promise<number>;
  /** So many are. @returns whether the drain goes on */
  readonly counted: (count: number) => boolean;
}

/** Counts sessions for a drain, until it is over. */
export class DrainWatch {
  readonly #ports: DrainWatchPorts;
  #timer: NodeJS.Timeout | undefined;
  /** Which watch counts: one that began before a later order is over. */
  #turn = 0;

  constructor(ports: DrainWatchPorts) {
    this.#ports = ports;
  }

  begin(): void {
    this.end();
    void this.#count(this.#turn);
  }

  /** Whoever counts now counts in vain. */
  end(): void {
    clearTimeout(this.#timer);
    this.#turn++;
  }

  async #count(turn: number): Promise<void> {
    const count = await this.#ports.sessions();
    if (turn !== this.#turn || !this.#ports.counted(count)) return;
    this.#timer = setTimeout(() => void this.#count(turn), EVERY_MS);
    this.#timer.unref();
  }
}
