import type { CloseInfo } from '#protocol/quic/api.ts';

/** A connection is over: what streams, datagrams and `ready` fail with. */
export class QuicConnectionError extends Error {
  override readonly name = 'QuicConnectionError';
  readonly info: CloseInfo;

  constructor(info: CloseInfo) {
    const { by, code, reason } = info;
    super(by === 'idle' ? 'the other side does not answer' : `closed by ${by}, code ${code}${reason && `: ${reason}`}`);
    this.info = info;
  }
}

/** One stream was given up (RESET_STREAM) or is not wanted (STOP_SENDING). */
export class QuicStreamError extends Error {
  override readonly name = 'QuicStreamError';
  /** The application's error code (RFC 9000 §20.2). */
  readonly code: number;

  constructor(what: 'reset' | 'stopped', code: number) {
    super(`the stream was ${what} by the other side, code ${code}`);
    this.code = code;
  }
}

/** The code that a reason to cancel or abort carries: a `QuicStreamError`'s, or 0. */
export const codeOf = (reason: unknown): number => (reason instanceof QuicStreamError ? reason.code : 0);
