import type { ConnectionSink } from '#protocol/quic/api.ts';

const METHODS = [
  ...['handshakeComplete', 'handshakeConfirmed', 'streamData', 'streamReset', 'streamStopSending', 'streamWritable'],
  ...['streamClosed', 'streamsAvailable', 'datagram', 'datagramWritable', 'ticket', 'closed'],
] as const;

/** The pair brings its own sinks: they hand on everything. */
export const redirect = (from: ConnectionSink, to: ConnectionSink): void => {
  const table = to as unknown as Record<string, (...values: unknown[]) => void>;
  const handed = METHODS.map((name) => [name, (...values: unknown[]) => table[name]?.(...values)]);
  Object.assign(from, Object.fromEntries(handed));
};
