/** When the control plane was heard, and what went wrong last. Times are milliseconds since 1970. */
export class Contact {
  readonly #onError: (error: unknown) => void;
  #wasConnected = false;
  connected = false;
  /** Since when `connected` is what it is. */
  sinceMs = Date.now();
  /** The last sign of life: a record, or a receipt. */
  heardMs: number | undefined;
  /** The same, or when we began, by a clock that only goes forward. */
  #heardAt = performance.now();
  reconnects = 0;
  lastError: { readonly message: string; readonly atMs: number } | undefined;

  /** @param onError is told of everything that goes wrong */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  gained(): void {
    if (this.#wasConnected) this.reconnects++;
    this.#wasConnected = true;
    this.#become(true);
    this.heard();
  }

  lost(): void {
    if (this.connected) this.#become(false);
  }

  heard(): void {
    this.heardMs = Date.now();
    this.#heardAt = performance.now();
  }

  /** How long nothing has been heard, whatever is done to the time of day. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  failed(error: unknown): void {
    this.lastError = { message: sentenceOf(error), atMs: Date.now() };
    this.#onError(error);
  }

  #become(connected: boolean): void {
    this.connected = connected;
    this.sinceMs = Date.now();
  }
}

/** The first line of what an error says, with that of its cause where the error itself does not say it. */
const sentenceOf = (error: unknown): string => {
  const text = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message.split('\n')[0] : undefined;
  return cause === undefined || cause === '' || text.includes(cause) ? text : `${text}: ${cause}`;
};
