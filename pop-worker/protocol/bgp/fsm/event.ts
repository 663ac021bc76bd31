/**
 * Events of the state machine, by their numbers in RFC 4271 §8.1. Those that are missing belong to options that are not
 * there: DelayOpen, unconfigured peers, and tracking of connections (events 14 and 15) that the kernel does by itself.
 */
export const Event = {
  manualStart: 1,
  manualStop: 2,
  automaticStart: 3,
  /** With PassiveTcpEstablishment. */
  manualStartPassive: 4,
  automaticStartPassive: 5,
  automaticStop: 8,
  connectRetryExpires: 9,
  holdExpires: 10,
  keepaliveExpires: 11,
  /** Our connection is there. */
  tcpAcknowledged: 16,
  /** The neighbour's connection is there. */
  tcpConfirmed: 17,
  tcpFails: 18,
  open: 19,
  headerError: 21,
  openError: 22,
  collisionDump: 23,
  versionNotification: 24,
  notification: 25,
  keepalive: 26,
  update: 27,
  updateError: 28,
  /** RFC 9687 §3. */
  sendHoldExpires: 29,
  /** ROUTE-REFRESH (RFC 2918), which has no number. */
  routeRefresh: 30,
} as const;
export type Event = (typeof Event)[keyof typeof Event];
