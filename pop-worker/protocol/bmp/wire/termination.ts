import { BmpType, HEADER_BYTES, writeHeader } from './header.ts';
import { informationBytes } from './information.ts';

/** RFC 7854 §4.5. */
export const TerminationReason = { closed: 0, unspecified: 1, outOfResources: 2, redundant: 3, permanent: 4 } as const;

const REASON = 1;

/** The last message of a session (RFC 7854 §4.5). @param reason of `TerminationReason` */
export const termination = (reason: number): Uint8Array => {
  const information = informationBytes([[REASON, Uint8Array.of(0, reason)]]);
  const out = new Uint8Array(HEADER_BYTES + information.length);
  out.set(information, writeHeader(out, 0, BmpType.termination, out.length));
  return out;
};
