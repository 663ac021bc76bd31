import { PacketFault } from './packet.ts';

/** Why a received packet was discarded: faults of its own, then what its session minds. */
export const Drop = {
  ...PacketFault,
  /** Your Discriminator is of no session, or nobody expects a first packet from there. */
  unknownSession: 7,
  /** Your Discriminator is 0 in a state that a peer only has once it knows us. */
  state: 8,
  /** It came from farther away than the session allows (RFC 5881 §5). */
  hopLimit: 9,
  /** More packets than `MOST_PACKETS_AN_INTERVAL`. */
  excess: 10,
  authentication: 11,
  /** The session is administratively down, and looks at nothing but parameters. */
  adminDown: 12,
} as const;
export type Drop = (typeof Drop)[keyof typeof Drop];

/** Names of the reasons, from that of 1 on, as metrics have them. */
export const DROP_REASONS = [
  'version',
  'length',
  'truncated',
  'detect_mult',
  'multipoint',
  'my_discriminator',
  'unknown_session',
  'state',
  'hop_limit',
  'excess',
  'authentication',
  'admin_down',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];
