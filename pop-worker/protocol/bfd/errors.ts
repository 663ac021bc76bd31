import { ProtocolError } from '../contract.ts';

/** BFD has no codes for errors; these are ours. All are mistakes of whoever asks for a session: packets raise none. */
export const BfdErrorCode = { invalid: 1, tooManySessions: 2, tooManyPackets: 3, duplicate: 4 } as const;
export type BfdErrorCode = (typeof BfdErrorCode)[keyof typeof BfdErrorCode];

/** A session that cannot be had as it was asked for. */
export class BfdError extends ProtocolError {
  declare readonly code: BfdErrorCode;

  constructor(code: BfdErrorCode, message: string) {
    super(code, 'local', message);
  }
}
