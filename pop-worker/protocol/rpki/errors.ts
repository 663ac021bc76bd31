import { type Fault, ProtocolError } from '../contract.ts';

/** Codes of an Error Report (RFC 8210 §12). */
export const RtrErrorCode = {
  corruptData: 0,
  internalError: 1,
  noDataAvailable: 2,
  invalidRequest: 3,
  unsupportedVersion: 4,
  unsupportedPduType: 5,
  withdrawalOfUnknown: 6,
  duplicateAnnouncement: 7,
  unexpectedVersion: 8,
} as const;
export type RtrErrorCode = (typeof RtrErrorCode)[keyof typeof RtrErrorCode];

/** An error that ends the connection with a cache. */
export class RtrError extends ProtocolError {
  declare readonly code: RtrErrorCode;

  constructor(code: RtrErrorCode, fault: Fault, message: string) {
    super(code, fault, message);
  }
}

export const remoteError = (code: RtrErrorCode, message: string): RtrError => new RtrError(code, 'remote', message);
