import { remoteError, TransportError } from './errors.ts';
import { OpenOutcome } from './ports.ts';

/**
 * Packets with higher numbers have the same keys or newer ones (RFC 9001 §6.4). A peer that breaks this has lost count,
 * or somebody knows keys that should be gone. Numbers of the present and the next key phase are compared; of the one
 * before, what is left is opened and never newer.
 */
export class KeyPhases {
  #lowest = Number.POSITIVE_INFINITY;
  #highest = -1;
  #nextLowest = Number.POSITIVE_INFINITY;
  #nextHighest = -1;

  /** @param outcome `OpenOutcome`, 0 or above @throws QuicError remote KEY_UPDATE_ERROR */
  onOpened(packetNumber: number, outcome: number): void {
    if (outcome === OpenOutcome.current) {
      if (packetNumber > this.#nextLowest) throw goesBack();
      if (packetNumber < this.#lowest) this.#lowest = packetNumber;
      if (packetNumber > this.#highest) this.#highest = packetNumber;
    } else if (outcome === OpenOutcome.next) {
      if (packetNumber < this.#highest) throw goesBack();
      if (packetNumber < this.#nextLowest) this.#nextLowest = packetNumber;
      if (packetNumber > this.#nextHighest) this.#nextHighest = packetNumber;
    } else if (packetNumber > this.#lowest) throw goesBack();
  }

  /** The next phase is the present one. */
  advance(): void {
    this.#lowest = this.#nextLowest;
    this.#highest = this.#nextHighest;
    this.#nextLowest = Number.POSITIVE_INFINITY;
    this.#nextHighest = -1;
  }
}

const goesBack = () => remoteError(TransportError.keyUpdateError, 'older keys for a higher packet number');
