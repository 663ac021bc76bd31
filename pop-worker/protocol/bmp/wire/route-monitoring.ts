import { type BmpSubject, BmpType, HEADS_BYTES, NO_TIME, writeHeader, writePeerHeader } from './header.ts';

/**
 * Writes both heads of Route Monitoring (RFC 7854 §4.6) before an UPDATE that is there already.
 *
 * @param at where the heads go; the UPDATE begins `HEADS_BYTES` behind it
 * @param end of the UPDATE
 * @param flags of `PeerFlag`, without that of IPv6
 */
export const writeMonitoringHeads = (
  out: Uint8Array,
  at: number,
  end: number,
  subject: BmpSubject,
  flags: number,
): void => {
  // RFC 7854 §5: when a route came is not kept.
  writePeerHeader(out, writeHeader(out, at, BmpType.routeMonitoring, end - at), subject, flags, NO_TIME);
};

/** Route Monitoring with a copy of an UPDATE. */
export const monitoringOf = (
  subject: BmpSubject,
  flags: number,
  buffer: Uint8Array,
  start: number,
  end: number,
): Uint8Array => {
  const out = new Uint8Array(HEADS_BYTES + end - start);
  out.set(buffer.subarray(start, end), HEADS_BYTES);
  writeMonitoringHeads(out, 0, out.length, subject, flags);
  return out;
};
