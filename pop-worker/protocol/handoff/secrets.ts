import type { HandoffCrypto, Place } from './ports.ts';

const DIRECTION_LABEL = 'cbr handoff';
const STATIC_LABEL = 'cbr handoff static';

/** The traffic secret of packets from one thread to another, of the secret that two workers share: no two directions have one key. */
export const directionSecret = (crypto: HandoffCrypto, secret: Uint8Array, from: Place, to: Place): Uint8Array => {
  const context = new Uint8Array(6);
  for (const [at, { worker, thread }] of [[0, from] as const, [3, to] as const]) {
    context[at] = worker >> 8;
    context[at + 1] = worker & 0xff;
    context[at + 2] = thread;
  }
  return crypto.expandLabel(secret, DIRECTION_LABEL, context);
};

/**
 * The secret of one process of a sender, where two workers share a configured key and no connection: numbers begin at 0 with
 * each process, so each has keys of its own.
 *
 * @param keyId the sender's boot epoch
 */
export const staticSecret = (crypto: HandoffCrypto, key: Uint8Array, keyId: number): Uint8Array =>
  crypto.expandLabel(key, STATIC_LABEL, Uint8Array.of(keyId >>> 24, keyId >>> 16, keyId >>> 8, keyId));
