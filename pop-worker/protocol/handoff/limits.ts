/** Packets after which a sender moves to the next key phase: half of what AES-GCM bears (RFC 9001 §6.6). */
export const UPDATE_AFTER = 2 ** 22;
/** Packets of one key: its numbers do not get longer. */
export const MAX_PACKETS = 2 ** 48;
/** How far behind the newest packet one may be. */
export const REPLAY_PACKETS = 2048;
/** Datagrams of which one part has come, in a thread; where two want one place the older one gives way. */
export const JOIN_SLOTS = 512;
/** Longest datagram that is put together, with what its first part tells. */
export const JOIN_BYTES = 2048;
/** A second part comes right behind the first, or not at all. */
export const JOIN_US = 50_000;
/** Unknown keys that are tried a second and peer, where keys follow from one that is configured. */
export const KEY_TRIALS_PER_SECOND = 10;
/** Answers a second to each peer, also at once: what four threads of a worker ask when all of its clients come at one time. */
export const ANSWERS_PER_SECOND = 4000;
/** A worker that lives, and has something to say, is silent for no longer. */
export const SILENCE_US = 50_000;
/** Buckets that sources share; each source has one, by a hash that nobody outside can foresee. */
export const SOURCE_BUCKETS = 4096;
/** Workers that a thread keeps keys and budgets for. */
export const MAX_PEERS = 1024;
