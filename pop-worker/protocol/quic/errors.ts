import { type Fault, ProtocolError } from '../contract.ts';

/** Transport error codes (RFC 9000 §20.1). */
export const TransportError = {
  noError: 0x00,
  internalError: 0x01,
  connectionRefused: 0x02,
  flowControlError: 0x03,
  streamLimitError: 0x04,
  streamStateError: 0x05,
  finalSizeError: 0x06,
  frameEncodingError: 0x07,
  transportParameterError: 0x08,
  connectionIdLimitError: 0x09,
  protocolViolation: 0x0a,
  invalidToken: 0x0b,
  applicationError: 0x0c,
  cryptoBufferExceeded: 0x0d,
  keyUpdateError: 0x0e,
  aeadLimitReached: 0x0f,
  noViablePath: 0x10,
  /** RFC 9368 §8 */
  versionNegotiationError: 0x11,
  /** 0x0100 to 0x01ff carry a TLS alert (RFC 9001 §4.8). */
  cryptoError: 0x100,
} as const;
export type TransportError = (typeof TransportError)[keyof typeof TransportError];

/** A connection error: closes the connection with CONNECTION_CLOSE of type 0x1c. */
export class QuicError extends ProtocolError {
  /** Type of the frame that was at fault, 0 when none is known (RFC 9000 §19.19). */
  readonly frameType: number;

  constructor(code: number, fault: Fault, message: string, frameType = 0) {
    super(code, fault, message);
    this.frameType = frameType;
  }
}

/** The peer broke the protocol. */
export const remoteError = (code: number, message: string, frameType = 0): QuicError =>
  new QuicError(code, 'remote', message, frameType);

/** We did, or were misused. */
export const localError = (code: number, message: string): QuicError => new QuicError(code, 'local', message);
