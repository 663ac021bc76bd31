import { CipherSuite } from '#protocol/quic/ports.ts';
import { testCryptoPort } from '#protocol/quic/testing/crypto-port.ts';
import { mix } from '#protocol/quic/testing/mix.ts';
import type { HandoffCrypto } from '../ports.ts';

const QUIC_VERSION_1 = 1;

/** Repeatable; not secure. */
export const testHandoffCrypto = (): HandoffCrypto => {
  const crypto = testCryptoPort();
  return {
    sealer: (secret) => crypto.sealer(QUIC_VERSION_1, CipherSuite.aes128Gcm, secret),
    opener: (secret) => crypto.opener(QUIC_VERSION_1, CipherSuite.aes128Gcm, secret),
    expandLabel: (secret, label, context) => mix(label, secret, context),
  };
};
