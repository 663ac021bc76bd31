import { ADDRESS_WORDS, addressFamily } from '../address.ts';
import type { TimeUs } from '../contract.ts';
import type { Parts } from './parts.ts';
import type { PreferredAddress } from './wire/parameters/definition.ts';

/**
 * Why a connection does not move: it is a server's, or not confirmed (RFC 9000 §9); the server forbids it
 * (disable_active_migration, §18.2); it named no connection ID that is not used on another path (§9.5).
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
  const remote = addressOf(preferred, addressFamily(paths.active.remote));
  if (remote !== undefined) paths.tryPreferred(remote, now);
};

/** @returns undefined when the server has none of this family */
const addressOf = (preferred: PreferredAddress, family: 4 | 6): Int32Array | undefined => {
  const bytes = family === 4 ? preferred.ipv4 : preferred.ipv6;
  const port = family === 4 ? preferred.ipv4Port : preferred.ipv6Port;
  if (port === 0 || bytes.every((byte) => byte === 0)) return undefined;
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = family | (port << 16);
  new Uint8Array(words.buffer).set(bytes, 8);
  return words;
};
