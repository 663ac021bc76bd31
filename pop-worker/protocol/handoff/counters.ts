/** Why a packet that belongs to another worker did not go there. */
export const SEND_DROPS = [
  /** The source had more than its share. */
  'source_budget',
  /** The peer had more than its share. */
  'rate_cap',
  /** There is no key for it yet. */
  'no_key',
  /** The socket took no more. */
  'not_sent',
  /** It does not even fit two packets, or what the other end puts together. */
  'too_large',
  /** It is not of the address family that its addresses say. */
  'mixed_family',
  /** The worker is dead; nobody is told, as we are not in a majority, or it was no short header. */
  'dead',
  /** Its number is that of no peer. */
  'no_peer',
  /** It had been handed to us already (hop count 1). */
  'second_hop',
] as const;
export type SendDrop = (typeof SEND_DROPS)[number];

/** Why a packet of a peer came to nothing. */
export const RECEIVE_DROPS = [
  'malformed',
  /** From an address, or a worker, that is no peer. */
  'unknown_peer',
  'unknown_key',
  'forged',
  'replayed',
  /** The other part of its datagram did not come. */
  'unjoined',
  /** The path was congested, and the packet is of a flow that must be told by loss (RFC 6040 §4.2). */
  'congested',
] as const;
/** @public for whoever shows them */
export type ReceiveDrop = (typeof RECEIVE_DROPS)[number];

/** What a worker says of a datagram that another one asked about. */
export const ANSWERS = ['authentic', 'forged', 'absent'] as const;
export type Answer = (typeof ANSWERS)[number];

const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;

/** What a thread handed over and was handed; a datagram of two packets counts once. */
export const handoffCounters = () => ({
  sent: { datagrams: 0, bytes: 0, packets: 0 },
  received: { datagrams: 0, bytes: 0, packets: 0 },
  /** Resets in the name of dead workers. */
  resets: 0,
  keyUpdates: 0,
  sendDrops: zeros(SEND_DROPS),
  receiveDrops: zeros(RECEIVE_DROPS),
  /** Answers that went out, and those that found no room in the budget, or no key. */
  answered: { ...zeros(ANSWERS), refused: 0 },
});
export type HandoffCounters = ReturnType<typeof handoffCounters>;
