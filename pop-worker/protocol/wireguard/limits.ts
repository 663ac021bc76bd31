/** Constants of the protocol (WireGuard paper §6.1), times in microseconds. */
export const REKEY_AFTER_US = 120e6;
export const REJECT_AFTER_US = 180e6;
export const REKEY_ATTEMPT_US = 90e6;
export const REKEY_TIMEOUT_US = 5e6;
export const KEEPALIVE_TIMEOUT_US = 10e6;
/** Repetitions and new handshakes are put off by up to so much more, so that peers which started together part. */
export const MOST_JITTER_US = 333_000;
/** All keys are forgotten this long after the last new one (§6.3). */
export const ZERO_KEYS_US = 3 * REJECT_AFTER_US;
/** The initiator begins anew on receiving with keys of this age, so that a one-sided flow never ends. */
export const LAST_MINUTE_US = REJECT_AFTER_US - KEEPALIVE_TIMEOUT_US - REKEY_TIMEOUT_US;
export const MOST_ATTEMPTS = REKEY_ATTEMPT_US / REKEY_TIMEOUT_US;

/** A cookie serves its initiator this long, and its secret is changed as often (§5.4.7). */
export const COOKIE_REFRESH_US = 120e6;

/** Counters are two words: 2^60 is this much of the upper one (rekey after messages). */
export const REKEY_COUNTER_HIGH = 2 ** 28;
/** 2^64 - 2^13 - 1: the first counter that is neither sent nor taken (reject after messages). */
export const REJECT_COUNTER_HIGH = 0xffff_ffff;
export const REJECT_COUNTER_LOW = 2 ** 32 - 2 ** 13 - 1;

export const REPLAY_WINDOW = 8192;
export const PADDING_MULTIPLE = 16;

/** Of one peer's initiations, whatever their timestamps: no two are taken within this (as its peers do). */
export const INITIATION_INTERVAL_US = 20_000;

/** Packets that wait for a session: of one peer, and memory of all. The oldest of the peer make place. */
export const MOST_STAGED_PACKETS = 128;
export const MOST_STAGED_BYTES = 4 * 2 ** 20;
/** What one takes beside its own bytes: the objects around it, 840 bytes as V8 has them. */
export const STAGED_PACKET_BYTES = 1024;

/** Handshake messages that wait to be sent: cookie replies, responses, initiations. More are lost. */
export const MOST_CONTROL_MESSAGES = 4096;

/** Peers are numbered with 24 bits (`receiver-index.ts`). */
export const MOST_PEERS = 2 ** 24;
