import { type Fault, ProtocolError } from '../contract.ts';

/** A dump that is cut, or no dump. MRT has no codes of its own: 0. */
export class MrtError extends ProtocolError {
  constructor(message: string, fault: Fault = 'remote') {
    super(0, fault, message);
  }
}
