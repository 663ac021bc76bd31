import type { Admission } from '../admission.ts';
import { type DeviceTicket, readDeviceTicket } from './device-ticket.ts';
import type { Epochs } from './epochs.ts';

/** Why early data was refused, before TLS itself was asked. */
export type EarlyRefusal = 'no_device' | 'expired' | 'revoked' | 'unknown_device' | 'older_epoch' | 'no_room';

interface EarlyWelcomeParts {
  readonly admission: Pick<Admission, 'objection'>;
  readonly epochs: Pick<Epochs, 'of'>;
  readonly nowMs: () => number;
  /** Whether more of it can be held until handshakes are confirmed. */
  readonly hasRoom: () => boolean;
}

/**
 * Which tickets early data is welcome by (RFC 8446 §8): those of the latest move of a device, of a token that is good. So
 * whatever was given before a device moved, or its worker was given up, brings none anywhere that this is known; and where
 * nothing is known of a device, neither. What is refused here costs a device nothing but that its requests go after the
 * handshake.
 */
export class EarlyWelcome {
  readonly refused: Record<EarlyRefusal, number> = {
    ...{ no_device: 0, expired: 0, revoked: 0, unknown_device: 0, older_epoch: 0, no_room: 0 },
  };
  readonly #parts: EarlyWelcomeParts;

  constructor(parts: EarlyWelcomeParts) {
    this.#parts = parts;
  }

  /** @param data of a ticket, as `writeDeviceTicket` made it, or anything else */
  welcomes(data: Uint8Array): boolean {
    const refusal = this.#refusal(readDeviceTicket(data));
    if (refusal !== undefined) this.refused[refusal]++;
    return refusal === undefined;
  }

  #refusal(ticket: DeviceTicket | undefined): EarlyRefusal | undefined {
    const { admission, epochs, nowMs, hasRoom } = this.#parts;
    if (ticket === undefined) return 'no_device';
    const { tenant, device, tokenId, epoch, expiresAt } = ticket;
    if (expiresAt <= nowMs() / 1000) return 'expired';
    if (admission.objection({ tenant, device, tokenId }) !== undefined) return 'revoked';
    const known = epochs.of(`${tenant}/${device}`);
    if (known === undefined) return 'unknown_device';
    if (epoch < known) return 'older_epoch';
    return hasRoom() ? undefined : 'no_room';
  }
}
