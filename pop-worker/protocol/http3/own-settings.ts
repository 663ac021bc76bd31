import type { Http3Options } from './api.ts';
import type { QpackLimits } from './field-coding.ts';
import type { Http3Settings } from './settings.ts';

/** What we announce (RFC 9114 §7.2.4.1). */
export const ownSettings = (
  isServer: boolean,
  { enableConnectProtocol, h3Datagram }: Http3Options,
  sectionBytes: number,
  { tableBytes, blockedStreams }: QpackLimits,
): Http3Settings => ({
  maxFieldSectionBytes: sectionBytes,
  qpackMaxTableCapacity: tableBytes,
  // Without a table, nobody could wait for its entries.
  qpackBlockedStreams: tableBytes === 0 ? 0 : blockedStreams,
  enableConnectProtocol: isServer && enableConnectProtocol !== false,
  h3Datagram: h3Datagram !== false,
});
