/** What a connection counts, for metrics. Plain numbers, only growing. */
export const connectionCounters = () => ({
  datagramsReceived: 0,
  bytesReceived: 0,
  packetsReceived: 0,
  /** …of these in datagrams that the network marked ECN-CE. */
  packetsReceivedCe: 0,
  datagramsSent: 0,
  bytesSent: 0,
  packetsSent: 0,
  /** Packets dropped, by reason. */
  droppedDuplicate: 0,
  droppedForged: 0,
  droppedMalformed: 0,
  droppedNoKeys: 0,
  droppedVersion: 0,
  droppedConnectionId: 0,
  droppedAddress: 0,
  droppedClosed: 0,
  /** Packets that came before their keys: held, or dropped for lack of room. */
  heldEarly: 0,
  droppedEarly: 0,
  /** 1 where the peer ended it by going beyond a limit. */
  exceededFlowControl: 0,
  exceededStreams: 0,
  exceededConnectionIds: 0,
  exceededCryptoBuffer: 0,
  exceededTlsBytes: 0,
  exceededForgeries: 0,
  exceededGaps: 0,
  /** …or by acknowledging what was never sent. */
  ackedUnsent: 0,
  /** How often there was more to send than an address that is not validated may get. */
  amplificationBlocked: 0,
  /** Challenges of the peer that found too many before them. */
  droppedChallenges: 0,
  /** DATAGRAM payloads that no longer fitted a packet. */
  datagramsDropped: 0,
  keyUpdates: 0,
  pathChanges: 0,
  /** PATH_CHALLENGE frames that came, and paths that answered ours. */
  challengesReceived: 0,
  pathsValidated: 0,
});

export type ConnectionCounters = ReturnType<typeof connectionCounters>;

/** What an endpoint counts. */
export const endpointCounters = () => ({
  datagramsReceived: 0,
  bytesReceived: 0,
  accepted: 0,
  refusedConnections: 0,
  refusedHandshakes: 0,
  refusedByApplication: 0,
  /** …because too many handshakes wait for a thread. */
  refusedBusy: 0,
  retriesSent: 0,
  versionNegotiationsSent: 0,
  statelessResetsSent: 0,
  invalidTokens: 0,
  /** Receive windows of connections that would have grown, had anything been left of what all may have together. */
  refusedWindows: 0,
  /** Tokens of NEW_TOKEN that came again: as if there was none. */
  replayedTokens: 0,
  /** Datagrams dropped, by reason. */
  droppedTooShort: 0,
  droppedMalformed: 0,
  droppedSmallInitial: 0,
  droppedUnknown: 0,
  droppedReplyLimit: 0,
  /** …for connections that are over. */
  droppedClosed: 0,
  /** Datagrams of strangers that found too many before them. */
  droppedBacklog: 0,
  /** Initial packets that would have opened a connection, if anybody had sealed them. */
  droppedForged: 0,
});

export type EndpointCounters = ReturnType<typeof endpointCounters>;
