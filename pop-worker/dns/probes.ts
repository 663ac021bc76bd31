import { ForwardingProbe } from '#pop-worker/routing/anycast/forwarding-probe.ts';

export interface ProbedPop {
  readonly id: string;
  readonly addresses: readonly string[];
}

export interface ProbeSettings {
  readonly port: number;
  readonly intervalMs: number;
  /** Questions in a row without an answer, after which a PoP is not well. */
  readonly fails: number;
}

/** Asks PoPs whether anybody serves there. A PoP is well while one of its addresses answers. */
export class PopProbes {
  readonly #settings: ProbeSettings;
  readonly #changed: () => void;
  readonly #misses = new Map<string, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #pops: readonly ProbedPop[] = [];

  /** @param changed one is well again, or no longer */
  constructor(settings: ProbeSettings, changed: () => void) {
    this.#settings = settings;
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#round(), settings.intervalMs);
  }

  setPops(pops: readonly ProbedPop[]): void {
    this.#pops = pops;
    const known = new Set(pops.map(({ id }) => id));
    for (const id of this.#misses.keys()) if (!known.has(id)) this.#misses.delete(id);
  }

  isWell(pop: string): boolean {
    return (this.#misses.get(pop) ?? 0) < this.#settings.fails;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #round(): Promise<void> {
    await Promise.all(this.#pops.map((pop) => this.#ask(pop)));
  }

  async #ask({ id, addresses }: ProbedPop): Promise<void> {
    const { port, intervalMs } = this.#settings;
    // A PoP is far away: this machine's own lateness is allowed for, no more.
    const rules = { limitMs: intervalMs, mostMs: 2 * intervalMs };
    const answers = await Promise.all(addresses.map((address) => new ForwardingProbe({ address, port }, rules).ask()));
    const before = this.isWell(id);
    const isThere = answers.some((reason) => reason === undefined);
    this.#misses.set(id, isThere ? 0 : (this.#misses.get(id) ?? 0) + 1);
    if (this.isWell(id) !== before) this.#changed();
  }
}
