import { ProtocolError } from '../contract.ts';

/** WireGuard has no codes for errors; these are ours. All are mistakes of whoever configures: packets raise none. */
export const WireGuardErrorCode = { invalid: 1, duplicate: 2, misuse: 3 } as const;
export type WireGuardErrorCode = (typeof WireGuardErrorCode)[keyof typeof WireGuardErrorCode];

export class WireGuardError extends ProtocolError {
  declare readonly code: WireGuardErrorCode;

  constructor(code: WireGuardErrorCode, message: string) {
    super(code, 'local', message);
  }
}
