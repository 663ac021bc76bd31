/**
 * What is known of a session, one element each, so that whoever has the memory reads it without asking: the session's
 * thread writes, others read. Times and intervals in microseconds.
 */
export const STATS = [
  'discriminator',
  'state',
  'diagnostic',
  'remoteDiscriminator',
  'remoteState',
  'remoteDiagnostic',
  /** 1: the peer's BFD does not share the fate of its control plane (C bit). */
  'remoteIndependent',
  /** Between our packets, before jitter. */
  'transmitIntervalUs',
  /** 0 before anything was heard. */
  'detectionTimeUs',
  'sent',
  'received',
  'discarded',
  'toUp',
  'fromUp',
  /** When the state changed last, on the core's clock. */
  'changedAtUs',
  /** 1: kept from coming Up by us. */
  'held',
] as const;
export type Stat = (typeof STATS)[number];

/** Where each lies. */
export const Stat = Object.fromEntries(STATS.map((name, i) => [name, i])) as Readonly<Record<Stat, number>>;
