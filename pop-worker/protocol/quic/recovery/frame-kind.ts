/**
 * What a packet carried, as far as it matters when the packet is acknowledged or lost (RFC 9000 §13.3). A record is a
 * kind and three numbers `a`, `b`, `c`; unused ones are 0.
 */
export const FrameKind = {
  /** nothing to repeat */
  ping: 0,
  /** a offset, b length */
  crypto: 1,
  /** a stream ID, b offset, c length */
  stream: 2,
  /** a stream ID, b offset, c length; with FIN */
  streamFin: 3,
  /** a stream ID */
  resetStream: 4,
  /** a stream ID */
  stopSending: 5,
  /** a the limit */
  maxData: 6,
  /** a stream ID, b the limit */
  maxStreamData: 7,
  /** a the limit */
  maxStreamsBidi: 8,
  /** a the limit */
  maxStreamsUni: 9,
  /** a the limit */
  dataBlocked: 10,
  /** a stream ID, b the limit */
  streamDataBlocked: 11,
  /** a the limit */
  streamsBlockedBidi: 12,
  /** a the limit */
  streamsBlockedUni: 13,
  /** a sequence number */
  newConnectionId: 14,
  /** a sequence number */
  retireConnectionId: 15,
  handshakeDone: 16,
  /** a whatever identifies the token to its owner */
  newToken: 17,
  /** a whatever identifies the challenge to its owner */
  pathChallenge: 18,
  pathResponse: 19,
  /** a the largest packet number that our ACK frame acknowledged (RFC 9000 §13.2.4), b the space */
  ack: 20,
  /** a whatever identifies the datagram to its owner, b length */
  datagram: 21,
  /** a size of the probe in bytes (written by Recovery's owner for its records; the probe itself is told to `Mtu`) */
  mtuProbe: 22,
  /** a sequence number */
  ackFrequency: 23,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
