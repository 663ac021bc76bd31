import { createHash, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { MeshPeer } from './setup.ts';

/**
 * Which member a certificate is of; that the mesh's authority signed it, TLS has checked.
 *
 * @param der of the leaf
 * @returns undefined when it is no member's, or not of the key that is pinned for it
 */
export const memberOf = (der: Uint8Array, peers: Iterable<MeshPeer>): MeshPeer | undefined => {
  const certificate = new X509Certificate(der);
  for (const peer of peers) {
    if (certificate.checkHost(peer.name, { subject: 'never', wildcards: false }) === undefined) continue;
    return peer.pin === undefined || hasKey(certificate, peer.pin) ? peer : undefined;
  }
  return undefined;
};

const hasKey = (certificate: X509Certificate, pin: Uint8Array): boolean => {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return pin.length === 32 && timingSafeEqual(createHash('sha256').update(key).digest(), pin);
};

/** Whom a certificate names, for people. */
export const namesIn = (der: Uint8Array): string => new X509Certificate(der).subjectAltName ?? 'nobody';
