/** Microseconds on an injected monotonic clock; never wall time. */
export type TimeUs = number;

/** A deadline that never comes. */
export const NEVER: TimeUs = Number.POSITIVE_INFINITY;

/**
 * What every protocol core looks like from outside: no socket, timer, clock, randomness or environment of its own.
 *
 * - `handle` takes one input: bytes that arrived, a local command, or the fact that a deadline passed.
 * - `poll` says what to send, until it returns `false`; whatever happened is told to the core's sink meanwhile.
 * - `deadline` says when to call again if nothing else happens before.
 *
 * A sink is called from inside `handle` and `poll`; it may call the core's commands (they only mark state),
 * never `handle` or `poll` again.
 */
export interface Core<Input, Output> {
  handle(input: Input, now: TimeUs): void;
  poll(now: TimeUs, out: Output): boolean;
  deadline(): TimeUs;
}

/** Source of unpredictable bytes; injected, so that a simulation repeats from one seed. */
export interface Random {
  fill(bytes: Uint8Array): void;
}

/** Whose mistake an error is: `remote`, the peer broke the protocol; `local`, a bug or misuse on our side. */
export type Fault = 'local' | 'remote';

/** Base of the one error class that each protocol has. */
export class ProtocolError extends Error {
  /** The code in the protocol's own registry (for QUIC, RFC 9000 §20). */
  readonly code: number;
  readonly fault: Fault;

  constructor(code: number, fault: Fault, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.fault = fault;
  }
}
