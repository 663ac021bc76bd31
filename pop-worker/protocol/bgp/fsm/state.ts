/** States of a connection with a neighbour (RFC 4271 §8.2.2), the nearest to a session last. */
export const State = { idle: 0, connect: 1, active: 2, openSent: 3, openConfirm: 4, established: 5 } as const;
export type State = (typeof State)[keyof typeof State];

/** By state, as operators read it. */
export const STATE_NAMES = ['idle', 'connect', 'active', 'open_sent', 'open_confirm', 'established'] as const;
export type StateName = (typeof STATE_NAMES)[number];
