import { type Fault, ProtocolError } from '../contract.ts';

/** A stream of a tunnel failed, or a configuration is no good; `code` is HTTP/3's (RFC 9114 §8.1). */
export class MasqueError extends ProtocolError {
  declare readonly code: number;

  constructor(code: number, fault: Fault, message: string) {
    super(code, fault, message);
  }
}
