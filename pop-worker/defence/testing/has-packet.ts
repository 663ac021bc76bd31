import { prefixTextOf } from '../address-key.ts';
import type { Pattern } from '../pattern.ts';
import type { PacketSample } from '../sample.ts';

const isSource = (sources: readonly string[], source: Uint8Array): boolean =>
  [false, true].some((isNetwork) => sources.includes(prefixTextOf(source, isNetwork)));

/** Whether a pattern has a packet: what whoever acts upon it would make of it. */
export const hasPacket = (pattern: Pattern, sample: PacketSample): boolean => {
  for (const name of ['protocol', 'icmpType', 'sourcePort', 'targetPort'] as const)
    if (pattern[name] !== undefined && sample[name] !== pattern[name]) return false;
  const { tcpFlags, bytes, sources } = pattern;
  if (tcpFlags && (sample.protocol !== 6 || (sample.tcpFlags & tcpFlags.mask) !== tcpFlags.value)) return false;
  if (bytes && (sample.bytes < bytes[0] || sample.bytes > bytes[1])) return false;
  return sources === undefined || isSource(sources, sample.source);
};
