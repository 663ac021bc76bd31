import type { TransportParameters } from './definition.ts';

type KeysOf<Value> = {
  [K in keyof TransportParameters]: TransportParameters[K] extends Value ? K : never;
}[keyof TransportParameters];

export type IntegerKey = KeysOf<number | undefined>;
export type FlagKey = KeysOf<boolean>;
export type BytesKey = Exclude<KeysOf<Uint8Array | undefined>, IntegerKey>;

/** How a parameter is encoded, and what it may be. */
export type ParameterRow = { readonly id: number; readonly serverOnly: boolean } & (
  | { readonly kind: 'integer'; readonly key: IntegerKey; readonly min: number; readonly max: number }
  | { readonly kind: 'bytes'; readonly key: BytesKey; readonly min: number; readonly max: number }
  | { readonly kind: 'flag'; readonly key: FlagKey }
  | { readonly kind: 'preferred-address'; readonly key: 'preferredAddress' }
  | { readonly kind: 'version-information'; readonly key: 'versionInformation' }
);

const integer = (id: number, key: IntegerKey, min = 0, max = Number.POSITIVE_INFINITY): ParameterRow => ({
  id,
  serverOnly: false,
  kind: 'integer',
  key,
  min,
  max,
});
const bytes = (id: number, key: BytesKey, serverOnly: boolean, min: number, max: number): ParameterRow => ({
  id,
  serverOnly,
  kind: 'bytes',
  key,
  min,
  max,
});
const flag = (id: number, key: FlagKey): ParameterRow => ({ id, serverOnly: false, kind: 'flag', key });

/** RFC 9000 §4.6: no more streams can be numbered. */
const MAX_STREAMS = 2 ** 60;

/** RFC 9000 §18.2 unless another source is named; values outside [min, max] are TRANSPORT_PARAMETER_ERROR. */
export const PARAMETERS: readonly ParameterRow[] = [
  // A Destination Connection ID that a client chooses has 8 bytes at least (§7.2), which is not checked here.
  bytes(0x00, 'originalDestinationConnectionId', true, 0, 20),
  integer(0x01, 'maxIdleTimeoutMs'),
  bytes(0x02, 'statelessResetToken', true, 16, 16),
  integer(0x03, 'maxUdpPayloadSize', 1200),
  integer(0x04, 'initialMaxData'),
  integer(0x05, 'initialMaxStreamDataBidiLocal'),
  integer(0x06, 'initialMaxStreamDataBidiRemote'),
  integer(0x07, 'initialMaxStreamDataUni'),
  integer(0x08, 'initialMaxStreamsBidi', 0, MAX_STREAMS),
  integer(0x09, 'initialMaxStreamsUni', 0, MAX_STREAMS),
  integer(0x0a, 'ackDelayExponent', 0, 20),
  integer(0x0b, 'maxAckDelayMs', 0, 2 ** 14 - 1),
  flag(0x0c, 'disableActiveMigration'),
  { id: 0x0d, serverOnly: true, kind: 'preferred-address', key: 'preferredAddress' },
  integer(0x0e, 'activeConnectionIdLimit', 2),
  bytes(0x0f, 'initialSourceConnectionId', false, 0, 20),
  bytes(0x10, 'retrySourceConnectionId', true, 0, 20),
  // RFC 9368 §3
  { id: 0x11, serverOnly: false, kind: 'version-information', key: 'versionInformation' },
  // RFC 9221 §3
  integer(0x20, 'maxDatagramFrameSize'),
  // RFC 9287 §3
  flag(0x2ab2, 'greaseQuicBit'),
  // draft-ietf-quic-ack-frequency §3
  integer(0xff04de1b, 'minAckDelayUs'),
];
