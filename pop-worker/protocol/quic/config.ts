import type { CongestionController, ControllerOptions } from '#protocol/congestion/controller.ts';

/** Settings of one connection. All memory that a peer can make us hold is bounded by what stands here. */
export interface QuicConfig {
  /**
   * Versions that we speak, most preferred first. A client starts with 1 if that is among them and goes on in what the server
   * prefers of them (RFC 9368 §2.3).
   */
  readonly versions: readonly number[];
  /** 0: none (RFC 9000 §10.1). */
  readonly maxIdleTimeoutMs: number;
  /** Sends PING when nothing was received for this long, in microseconds; 0: never (RFC 9000 §10.1.2). */
  readonly keepAliveUs: number;
  /** A handshake that takes longer is given up. */
  readonly handshakeTimeoutUs: number;
  /**
   * Size of the datagrams with Initial packets and of the first ones after it, 1200 or more (RFC 9000 §14.1). 1331 leaves
   * room for a 1280-byte inner IPv6 packet. A server's are no larger than its client's first one, and on a path that does
   * not take it a client falls back to 1200 with the third probe timeout (7 s).
   */
  readonly initialDatagramBytes: number;
  /** What the local interface allows: 1472 for IPv4 over Ethernet, 1452 for IPv6. */
  readonly maxDatagramBytes: number;
  readonly initialMaxData: number;
  readonly initialMaxStreamDataBidiLocal: number;
  readonly initialMaxStreamDataBidiRemote: number;
  readonly initialMaxStreamDataUni: number;
  readonly initialMaxStreamsBidi: number;
  readonly initialMaxStreamsUni: number;
  /** How far auto-tuning may raise the receive windows: unread data held for one connection, one stream. */
  readonly maxConnectionWindow: number;
  readonly maxStreamWindow: number;
  /** Out-of-order CRYPTO bytes held per level (RFC 9000 §7.5). */
  readonly cryptoBufferBytes: number;
  readonly maxAckDelayMs: number;
  /** The least delay that a peer may ask of our ACKs, in microseconds; 0: it may ask none (ACK_FREQUENCY). */
  readonly minAckDelayUs: number;
  readonly ackDelayExponent: number;
  /** Connection IDs of the peer that we remember (RFC 9000 §18.2), 2 or more. */
  readonly activeConnectionIdLimit: number;
  /** Largest DATAGRAM frame that we take; 0: none (RFC 9221 §3). */
  readonly maxDatagramFrameSize: number;
  /** Outgoing DATAGRAM payloads held at most. */
  readonly datagramQueueBytes: number;
  readonly datagramQueueCount: number;
  /** Packets held that came before their keys, and their bytes (RFC 9000 §5.7). */
  readonly maxEarlyPackets: number;
  readonly maxEarlyBytes: number;
  /** Sent packets remembered per packet number space, a power of two. */
  readonly maxSentPackets: number;
  /** A key protects this many packets before we update it (RFC 9001 §6.6); at most 2^22. */
  readonly keyUpdatePackets: number;
  /** Take packets with the fixed bit cleared, and clear it ourselves where the peer agrees (RFC 9287). */
  readonly greaseQuicBit: boolean;
  /** Let observers measure the round trip time by the spin bit, on fifteen paths of sixteen (RFC 9000 §17.4). */
  readonly spinBit: boolean;
  readonly disableActiveMigration: boolean;
  /** As a server, keep TLS once the handshake is confirmed, some 24 KB, until `lastTicket` lets go of it. */
  readonly keepsTls: boolean;
  /** As a client, go to the preferred address that a server names, if it answers (RFC 9000 §9.6). */
  readonly followPreferredAddress: boolean;
  /** As a server, addresses where we are rather talked to than where the handshake was, six words each (RFC 9000 §9.6). */
  readonly preferredAddress?: { readonly ipv4?: Int32Array; readonly ipv6?: Int32Array };
  /** Mark packets ECT(0) on paths that bear it (RFC 9000 §13.4.2). What comes marked is reported in any case. */
  readonly ecn: boolean;
  readonly controller: (options: ControllerOptions) => CongestionController;
}

/** Everything but the congestion controller, which the composition root chooses. */
export const DEFAULT_CONFIG: Omit<QuicConfig, 'controller'> = {
  versions: [1],
  maxIdleTimeoutMs: 30_000,
  keepAliveUs: 0,
  handshakeTimeoutUs: 10_000_000,
  initialDatagramBytes: 1200,
  maxDatagramBytes: 1452,
  initialMaxData: 1 << 20,
  initialMaxStreamDataBidiLocal: 1 << 18,
  initialMaxStreamDataBidiRemote: 1 << 18,
  initialMaxStreamDataUni: 1 << 18,
  initialMaxStreamsBidi: 100,
  initialMaxStreamsUni: 100,
  maxConnectionWindow: 24 << 20,
  maxStreamWindow: 16 << 20,
  cryptoBufferBytes: 32 << 10,
  maxAckDelayMs: 25,
  minAckDelayUs: 1000,
  ackDelayExponent: 3,
  activeConnectionIdLimit: 4,
  maxDatagramFrameSize: 65_535,
  datagramQueueBytes: 1 << 18,
  datagramQueueCount: 512,
  maxEarlyPackets: 16,
  maxEarlyBytes: 20_000,
  maxSentPackets: 131_072,
  keyUpdatePackets: 1 << 22,
  greaseQuicBit: true,
  spinBit: true,
  disableActiveMigration: false,
  keepsTls: false,
  followPreferredAddress: true,
  ecn: true,
};

/** What we declare as min_ack_delay: never more than max_ack_delay (draft-ietf-quic-ack-frequency §3); 0: nothing. */
export const minAckDelayUs = (config: QuicConfig): number =>
  Math.min(config.minAckDelayUs, config.maxAckDelayMs * 1000);

/** Settings of an endpoint: what strangers can make it do is bounded here. */
export interface EndpointConfig {
  /** Length of our connection IDs in bytes, 4 to 20. */
  readonly cidBytes: number;
  /** New connections are refused beyond this. */
  readonly maxConnections: number;
  /** Handshakes in progress; new ones are refused beyond this. */
  readonly maxHandshakes: number;
  /** With this many handshakes in progress every new client must come back with a token (RFC 9000 §8.1.2); 0: always. */
  readonly retryAtHandshakes: number;
  /** How long a Retry token is good for. Within it, it is bound to the client's address and to one connection ID of ours. */
  readonly retryTokenUs: number;
  /** How long a token from NEW_TOKEN is good for. It is bound to the client's IP address (RFC 9000 §8.1.3). */
  readonly newTokenUs: number;
  /** Added to `now` in tokens, so that processes of a fleet agree on the time: for instance wall time minus `now`. */
  readonly tokenTimeOffsetUs: number;
  /** Bytes that the receive windows of all connections together may grow by, beyond `initialMaxData` of each. */
  readonly maxWindowGrowth: number;
  /** Version Negotiation, Retry, refusals and stateless resets in one second, together. */
  readonly repliesPerSecond: number;
  /**
   * Datagrams that belong to no connection wait for `admit`, about so many with a token and so many without, at most; 0: they
   * are handled when they come, before whatever comes behind them.
   */
  readonly backlogDatagrams: number;
}

export const DEFAULT_ENDPOINT_CONFIG: EndpointConfig = {
  cidBytes: 8,
  maxConnections: 65_536,
  maxHandshakes: 4096,
  retryAtHandshakes: 512,
  retryTokenUs: 10_000_000,
  newTokenUs: 86_400_000_000,
  tokenTimeOffsetUs: 0,
  maxWindowGrowth: 1 << 30,
  repliesPerSecond: 10_000,
  backlogDatagrams: 0,
};
