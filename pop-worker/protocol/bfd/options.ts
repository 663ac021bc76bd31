import { type AddressWords, addressFamily } from '../address.ts';
import type { AuthenticationOptions } from './authentication/table.ts';
import { BfdError, BfdErrorCode } from './errors.ts';
import type { Timing } from './parameters.ts';

/** RFC 5881 §4, RFC 5883 §5: where control packets go. */
export const SINGLE_HOP_PORT = 3784;
export const MULTI_HOP_PORT = 4784;
/** RFC 5881 §4: where they come from, one port a session. */
export const FIRST_SOURCE_PORT = 49_152;
export const LAST_SOURCE_PORT = 65_535;
/** RFC 5881 §5: sent with it, and what single-hop packets must have when they arrive. */
export const HOP_LIMIT = 255;

/** Sessions of one `Bfd`. */
export const MOST_SESSIONS = 256;
/**
 * Packets a second that all sessions together may send and have to receive, by their configured intervals: 250 sessions at
 * 50 ms, some two thirds of a CPU.
 */
export const MOST_PACKETS_A_SECOND = 10_000;
/** Packets of one session that are looked at in one of its required intervals; a peer that keeps the rules sends few more than 1. */
export const MOST_PACKETS_AN_INTERVAL = 16;
/** Shorter intervals are refused: threads and kernels of ours cannot keep them. */
export const LEAST_INTERVAL_US = 10_000;
export const MOST_INTERVAL_US = 60_000_000;

/** What a session is asked for with. */
export interface SessionOptions extends Timing {
  /**
   * Which of the receivers hears the peer: a number that whoever runs the core gave to a local address, port and
   * interface. First packets are told apart by it and the peer's address (RFC 5881 §3, RFC 5883 §4.1).
   */
  readonly binding: number;
  /** The peer; its port does not matter. */
  readonly remote: AddressWords;
  /** The link has one other end: a first packet is taken from whatever address (RFC 5881 §6). */
  readonly pointToPoint?: boolean;
  /** Through routers (RFC 5883) and not to the next one (RFC 5881). */
  readonly multiHop: boolean;
  /** Of a multi-hop session: packets with less are discarded (default 1). */
  readonly leastHopLimit?: number;
  /** Sends nothing before the peer does (RFC 5880 §6.1; default false). Only of a multi-hop session: RFC 5881 §3. */
  readonly passive?: boolean;
  readonly authentication?: AuthenticationOptions | undefined;
}

const refuse = (message: string): never => {
  throw new BfdError(BfdErrorCode.invalid, message);
};

const checkInterval = (name: string, us: number): void => {
  if (Number.isInteger(us) && us >= LEAST_INTERVAL_US && us <= MOST_INTERVAL_US) return;
  refuse(`The ${name} interval of ${us} us is not from ${LEAST_INTERVAL_US} to ${MOST_INTERVAL_US}.`);
};

/** @throws BfdError */
export const checkTiming = ({ desiredMinTxUs, requiredMinRxUs, detectMult }: Timing): void => {
  checkInterval('transmit', desiredMinTxUs);
  checkInterval('receive', requiredMinRxUs);
  if (!Number.isInteger(detectMult) || detectMult < 1 || detectMult > 255) {
    refuse(`The detect multiplier ${detectMult} is not from 1 to 255.`);
  }
};

/** @throws BfdError */
export const checkSession = (options: SessionOptions): void => {
  checkTiming(options);
  const { remote, multiHop, leastHopLimit = 1, passive = false, pointToPoint = false } = options;
  if ((remote[2] as number | undefined) === undefined || (addressFamily(remote) === 4 && remote[2] === 0)) {
    refuse('A session needs the address of its peer.');
  }
  if (multiHop && pointToPoint) refuse('A multi-hop session cannot be on a point-to-point link.');
  if (!multiHop && passive) refuse('Both ends of a single-hop session are active (RFC 5881 §3).');
  if (!Number.isInteger(leastHopLimit) || leastHopLimit < 1 || leastHopLimit > HOP_LIMIT) {
    refuse(`The least hop limit ${leastHopLimit} is not from 1 to ${HOP_LIMIT}.`);
  }
};

/** Packets a second of a session with this timing, both ways. */
export const packetsASecond = ({ desiredMinTxUs, requiredMinRxUs }: Timing): number =>
  1e6 / desiredMinTxUs + 1e6 / requiredMinRxUs;
