/** RFC 9000 §18.2, figure 22. */
export interface PreferredAddress {
  /** Four bytes, all zero for none. */
  readonly ipv4: Uint8Array;
  readonly ipv4Port: number;
  /** Sixteen bytes, all zero for none. */
  readonly ipv6: Uint8Array;
  readonly ipv6Port: number;
  /** 1 to 20 bytes; its sequence number is 1. */
  readonly connectionId: Uint8Array;
  /** Sixteen bytes. */
  readonly statelessResetToken: Uint8Array;
}

/** RFC 9368 §3. */
export interface VersionInformation {
  readonly chosen: number;
  /** In order of preference. */
  readonly available: readonly number[];
}

/** What an endpoint declares in the handshake (RFC 9000 §18.2), with the defaults of what is absent filled in. */
export interface TransportParameters {
  /** Server only. */
  readonly originalDestinationConnectionId: Uint8Array | undefined;
  /** 0 for none. */
  readonly maxIdleTimeoutMs: number;
  /** Sixteen bytes; server only. */
  readonly statelessResetToken: Uint8Array | undefined;
  readonly maxUdpPayloadSize: number;
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  readonly ackDelayExponent: number;
  readonly maxAckDelayMs: number;
  readonly disableActiveMigration: boolean;
  /** Server only. */
  readonly preferredAddress: PreferredAddress | undefined;
  readonly activeConnectionIdLimit: number;
  readonly initialSourceConnectionId: Uint8Array | undefined;
  /** Server only. */
  readonly retrySourceConnectionId: Uint8Array | undefined;
  /** RFC 9221 §3: frame type, length and payload together; 0: DATAGRAM frames are not taken. */
  readonly maxDatagramFrameSize: number;
  /** RFC 9287 §3. */
  readonly greaseQuicBit: boolean;
  readonly versionInformation: VersionInformation | undefined;
  /** draft-ietf-quic-ack-frequency §3, microseconds; undefined: ACK_FREQUENCY is not supported. */
  readonly minAckDelayUs: number | undefined;
}

/** Who declares them. */
export type Role = 'client' | 'server';

/** A parameter that means nothing, to exercise that unknown ones are ignored (RFC 9000 §18.1). */
export interface ReservedParameter {
  /** `31 * n + 27`. */
  readonly n: number;
  readonly value: Uint8Array;
}

/** Larger ones are refused before anything is read. */
export const MAX_TRANSPORT_PARAMETERS_BYTES = 4096;

/** What holds when a parameter is absent. */
export const DEFAULT_TRANSPORT_PARAMETERS: TransportParameters = {
  originalDestinationConnectionId: undefined,
  maxIdleTimeoutMs: 0,
  statelessResetToken: undefined,
  maxUdpPayloadSize: 65527,
  initialMaxData: 0,
  initialMaxStreamDataBidiLocal: 0,
  initialMaxStreamDataBidiRemote: 0,
  initialMaxStreamDataUni: 0,
  initialMaxStreamsBidi: 0,
  initialMaxStreamsUni: 0,
  ackDelayExponent: 3,
  maxAckDelayMs: 25,
  disableActiveMigration: false,
  preferredAddress: undefined,
  activeConnectionIdLimit: 2,
  initialSourceConnectionId: undefined,
  retrySourceConnectionId: undefined,
  maxDatagramFrameSize: 0,
  greaseQuicBit: false,
  versionInformation: undefined,
  minAckDelayUs: undefined,
};
