import { type Fault, ProtocolError } from '../contract.ts';

/** RFC 9204 §6; they share HTTP/3's number space. */
export const QpackErrorCode = {
  decompressionFailed: 0x200,
  encoderStreamError: 0x201,
  decoderStreamError: 0x202,
} as const;
export type QpackErrorCode = (typeof QpackErrorCode)[keyof typeof QpackErrorCode];

/** A connection error, except when the fault is local. */
export class QpackError extends ProtocolError {
  declare readonly code: QpackErrorCode;

  constructor(code: QpackErrorCode, fault: Fault, message: string) {
    super(code, fault, message);
  }
}

/** The decoder did not understand a field section. */
export const decompressionFailed = (message: string): QpackError =>
  new QpackError(QpackErrorCode.decompressionFailed, 'remote', message);

/** The decoder did not understand the encoder's instructions. */
export const encoderStreamError = (message: string): QpackError =>
  new QpackError(QpackErrorCode.encoderStreamError, 'remote', message);

/** The encoder did not understand the decoder's instructions. */
export const decoderStreamError = (message: string): QpackError =>
  new QpackError(QpackErrorCode.decoderStreamError, 'remote', message);
