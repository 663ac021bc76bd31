import type { NatsConnection, Subscription } from '@nats-io/nats-core';

export interface RepeaterOptions {
  /** Also without a nudge it runs this often. */
  readonly everyMs: number;
  /** After a nudge it waits this long for more of them. */
  readonly debounceMs?: number;
  readonly report: (error: unknown) => void;
}

/** Runs one piece of work over and over: soon after a nudge, else now and then, never twice at once. */
export class Repeater {
  readonly #work: () => Promise<void>;
  readonly #options: RepeaterOptions;
  readonly #subscriptions: Subscription[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(work: () => Promise<void>, options: RepeaterOptions) {
    this.#work = work;
    this.#options = options;
    this.#schedule(0);
  }

  /** Every message on the subject is a nudge; lost ones do no harm. */
  nudgeBy(nats: NatsConnection, subject: string): void {
    this.#subscriptions.push(nats.subscribe(subject, { callback: () => this.nudge() }));
  }

  nudge(): void {
    if (this.#closed) return;
    if (this.#running !== undefined) this.#again = true;
    else if (!this.#again) {
      this.#again = true;
      this.#schedule(this.#options.debounceMs ?? 0);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), delayMs);
  }

  #run(): void {
    this.#again = false;
    this.#running = this.#work()
      .catch((error: unknown) => this.#options.report(error))
      .finally(() => {
        this.#running = undefined;
        if (!this.#closed) this.#schedule(this.#again ? (this.#options.debounceMs ?? 0) : this.#options.everyMs);
      });
  }
}
