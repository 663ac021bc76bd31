/** How a failure is dealt with: `fatal` ends the session, `fatal-at-first` only before it was ever up. */
export type Severity = 'temporary' | 'fatal-at-first' | 'fatal';

/** Why there is no connection: one sentence that names the cause and the mend, without a full stop. */
export class ConnectFailure extends Error {
  readonly severity: Severity;
  /** Not before so many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, severity: Severity = 'temporary', retryAfterMs?: number) {
    super(message);
    this.name = 'ConnectFailure';
    this.severity = severity;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Something threw: what it was, as a failure. What says of itself that it will not get better ends the session. */
export const asFailure = (error: unknown): ConnectFailure => {
  if (error instanceof ConnectFailure) return error;
  const isFinal = (error as { temporary?: unknown } | null)?.temporary === false;
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectFailure(message, isFinal ? 'fatal' : 'temporary');
};
