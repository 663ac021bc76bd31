import { NEVER, type TimeUs } from '../../contract.ts';
import { type PacketSpace, Space } from './packet-space.ts';
import type { RttEstimator } from './rtt.ts';

/** RFC 9000 §18.2: max_ack_delay of a peer that says nothing. */
export const DEFAULT_MAX_ACK_DELAY_US = 25_000;
/** Beyond this the idle timeout has long ended the connection. */
const MAX_BACKOFF = 30;

/** The probe timeout over all packet number spaces (RFC 9002 §6.2). */
export class ProbeTimer {
  /** Consecutive expirations. */
  count = 0;
  handshakeConfirmed = false;
  hasHandshakeKeys = false;
  /** One of our Handshake packets was acknowledged. */
  handshakeAcked = false;
  /** A server may not send anything more (RFC 9000 §8.1). */
  amplificationBlocked = false;
  peerMaxAckDelayUs = DEFAULT_MAX_ACK_DELAY_US;
  /** The space that the last deadline was for. */
  space: Space = Space.initial;
  readonly #isServer: boolean;

  constructor(isServer: boolean) {
    this.#isServer = isServer;
  }

  /** RFC 9002 §A.8: the peer certainly has validated our address. */
  get peerCompletedAddressValidation(): boolean {
    return this.#isServer || this.handshakeAcked || this.handshakeConfirmed;
  }

  get #backoff(): number {
    return 2 ** Math.min(this.count, MAX_BACKOFF);
  }

  /** RFC 9002 §6.2.1, without backoff. Microseconds. */
  durationUs(rtt: RttEstimator, space: Space): number {
    return rtt.ptoBaseUs + (space === Space.application ? this.peerMaxAckDelayUs : 0);
  }

  /** @param lastEvent when something was last sent, acknowledged or discarded; anti-deadlock counts from there */
  deadline(spaces: readonly PacketSpace[], rtt: RttEstimator, lastEvent: TimeUs): TimeUs {
    if (this.amplificationBlocked) return NEVER;
    const backoff = this.#backoff;
    let earliest = NEVER;
    let handshaking = false;
    for (const space of spaces) {
      if (space.ackElicitingInFlight === 0) continue;
      // §6.2.1: not for 1-RTT and 0-RTT packets before the handshake is confirmed.
      if (space.id === Space.application && !this.handshakeConfirmed) continue;
      if (space.id !== Space.application) handshaking = true;
      const time = space.lastAckElicitingTime + this.durationUs(rtt, space.id) * backoff;
      if (time < earliest) {
        earliest = time;
        this.space = space.id;
      }
    }
    if (handshaking) return earliest;
    // A window that is full of what cannot be acknowledged before the handshake goes on must not hold it for ever.
    const held = spaces.find((space) => space.held);
    // §6.2.2.1: a client keeps the server from a deadlock, with nothing in flight too, or only 0-RTT packets.
    if (held === undefined && this.peerCompletedAddressValidation) return earliest;
    this.space = held?.id ?? (this.hasHandshakeKeys ? Space.handshake : Space.initial);
    return lastEvent + rtt.ptoBaseUs * backoff;
  }
}
