import { type Fault, ProtocolError } from '../contract.ts';

/** What is wrong with a message; the kernel's own refusals are no errors of the codec, see `acknowledgement.ts`. */
export const NetlinkFault = {
  /** A message or an attribute ends before its fixed part does. */
  truncated: 1,
  /** A length is less than its header, or more than what it lies in. */
  length: 2,
  /** An attribute has not the size of its type. */
  size: 3,
  /** What is to be written does not fit. */
  tooLarge: 4,
} as const;

/** Bytes that are no netlink message, or a value that none can carry. */
export class NetlinkError extends ProtocolError {
  constructor(code: number, message: string, fault: Fault = 'remote') {
    super(code, fault, message);
  }
}
