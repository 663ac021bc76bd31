/** Why what arrived came to nothing; 0: it did not. The names, from that of 1 on, are the labels of the counter. */
export const Drop = {
  none: 0,
  /** No message by type and length. */
  malformed: 1,
  mac1: 2,
  /** Under load, without a valid mac2: a cookie was the answer. */
  cookieSent: 3,
  /** Under load, more handshakes from one source than it may begin. */
  sourceLimit: 4,
  /** An initiation or response that is not authentic. */
  handshake: 5,
  /** An authentic initiation of nobody whom we know. */
  unknownPeer: 6,
  /** An initiation that is not newer than all before. */
  replayedInitiation: 7,
  /** Initiations of one peer too soon after each other. */
  initiationLimit: 8,
  /** A receiver index of no peer, or of no session or handshake of it. */
  unknownIndex: 9,
  cookie: 10,
  /** A message of a session whose time or messages are over. */
  expired: 11,
  /** A transport message that is not authentic. */
  authentication: 12,
  /** A counter that came before, or too old to tell. */
  replayed: 13,
  /** What was inside is no IP packet. */
  notIp: 14,
  /** Its source is not one of the peer's allowed IPs. */
  source: 15,
  /** From inside: no peer has its destination. */
  noPeer: 16,
  /** From inside: the peer has no endpoint. */
  noEndpoint: 17,
  /** From inside: too many wait for a session, or have waited in vain. */
  staged: 18,
  /** From inside: larger than a datagram can carry. */
  tooLarge: 19,
  /** Handshakes that wait for their turn are too many. */
  backlog: 20,
  /** From us: handshake messages that wait to be sent are too many. */
  controlQueue: 21,
  /** Congestion on the way to us, which its sender can only be told by loss: what was inside knows no ECN. */
  congestion: 22,
  /** Under load, while handshakes have had their share of the time: it was not even looked at. */
  overload: 23,
} as const;
export type Drop = (typeof Drop)[keyof typeof Drop];

export const DROP_REASONS = [
  'malformed',
  'mac1',
  'cookie_sent',
  'source_limit',
  'handshake',
  'unknown_peer',
  'replayed_initiation',
  'initiation_limit',
  'unknown_index',
  'cookie',
  'expired',
  'authentication',
  'replayed',
  'not_ip',
  'source',
  'no_peer',
  'no_endpoint',
  'staged',
  'too_large',
  'backlog',
  'control_queue',
  'congestion',
  'overload',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
