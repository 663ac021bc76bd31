import { type Fault, ProtocolError } from '../contract.ts';

/** RFC 9114 §8.1, RFC 9297 §5.2. QPACK's own are in `qpack/errors.ts`. */
export const Http3ErrorCode = {
  datagramError: 0x33,
  noError: 0x100,
  generalProtocolError: 0x101,
  internalError: 0x102,
  streamCreationError: 0x103,
  closedCriticalStream: 0x104,
  frameUnexpected: 0x105,
  frameError: 0x106,
  excessiveLoad: 0x107,
  idError: 0x108,
  settingsError: 0x109,
  missingSettings: 0x10a,
  requestRejected: 0x10b,
  requestCancelled: 0x10c,
  requestIncomplete: 0x10d,
  messageError: 0x10e,
  connectError: 0x10f,
  versionFallback: 0x110,
} as const;
export type Http3ErrorCode = (typeof Http3ErrorCode)[keyof typeof Http3ErrorCode];

/** A connection error (RFC 9114 §8), or misuse of this side when the fault is local. */
export class Http3Error extends ProtocolError {
  declare readonly code: Http3ErrorCode;

  constructor(code: Http3ErrorCode, fault: Fault, message: string) {
    super(code, fault, message);
  }
}

export const remoteError = (code: Http3ErrorCode, message: string): Http3Error =>
  new Http3Error(code, 'remote', message);

export const localError = (message: string): Http3Error =>
  new Http3Error(Http3ErrorCode.internalError, 'local', message);
