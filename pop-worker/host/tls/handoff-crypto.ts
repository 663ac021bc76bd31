import type { HandoffCrypto } from '#protocol/handoff/ports.ts';
import { CipherSuite } from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import { opensslCrypto } from './crypto-port.ts';

const QUIC_VERSION_1 = 1;
const SECRET_BYTES = 32;

/** What packets between workers are sealed by, of the packet engine. */
export const opensslHandoffCrypto: HandoffCrypto = {
  sealer: (secret) => opensslCrypto.sealer(QUIC_VERSION_1, CipherSuite.aes128Gcm, secret),
  opener: (secret) => opensslCrypto.opener(QUIC_VERSION_1, CipherSuite.aes128Gcm, secret),
  expandLabel: (secret, label, context) =>
    native.hkdfExpandLabel(CipherSuite.aes128Gcm, secret, label, context, SECRET_BYTES),
};
