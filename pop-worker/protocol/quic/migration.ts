import type { TimeUs } from '../contract.ts';
import type { Parts } from './parts.ts';
import { addressToPrefer } from './preferred-address.ts';

/**
 * Why a connection does not move: it is a server's, or not confirmed (RFC 9000 §9); the server forbids it
 * (disable_active_migration, §18.2); it named no connection ID that is not used on another path (§9.5).
 * Nothing is kept for later. The IDs come as the server likes, in the first round trip after confirmation there may be none
 * yet: who was told `no-connection-id` asks again once more has arrived.
 */
export type MigrationRefusal = 'not-client' | 'not-confirmed' | 'closed' | 'forbidden' | 'no-connection-id';

/** RFC 9000 §9.2. @param local six words, all zero: the kernel chooses */
export const migrate = (parts: Parts, local: Int32Array, now: TimeUs): MigrationRefusal | undefined => {
  const { isServer, handshake, closer, paths, peerCids } = parts;
  if (isServer) return 'not-client';
  if (!closer.isOpen) return 'closed';
  if (!handshake.isConfirmed) return 'not-confirmed';
  // §18.2: it holds for the address of the handshake only.
  if (handshake.peer.disableActiveMigration && !paths.active.preferred) return 'forbidden';
  if (peerCids.isEmpty || peerCids.available === 0) return 'no-connection-id';
  paths.move(local, now);
  return undefined;
};

/** The handshake is confirmed: a preferred address of the family that we use is asked (RFC 9000 §9.6.1). */
export const tryPreferredAddress = (parts: Parts, now: TimeUs): void => {
  const { config, handshake, paths, peerCids } = parts;
  const preferred = handshake.peer.preferredAddress;
  if (!config.followPreferredAddress || preferred === undefined || peerCids.available === 0) return;
  const remote = addressToPrefer(preferred, paths.active.remote);
  if (remote !== undefined) paths.tryPreferred(remote, now);
};
