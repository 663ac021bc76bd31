import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { RevisionKey } from '#model/revision.ts';

/** The installation's key for revisions, as its file holds it: a private JWK (RFC 8037) with its ID. */
export interface RevisionKeyFile {
  readonly kid: string;
  readonly privateJwk: JWK;
}

/** For set-up. */
export const generateRevisionKey = async (): Promise<RevisionKeyFile> => {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const privateJwk = await exportJWK(privateKey);
  return { kid: (await calculateJwkThumbprint(privateJwk)).slice(0, 16), privateJwk };
};

/** @param text of the file @throws RangeError when it holds no such key */
export const readRevisionKey = async (text: string): Promise<{ readonly id: string; readonly key: RevisionKey }> => {
  const { kid, privateJwk } = JSON.parse(text) as Partial<RevisionKeyFile>;
  if (typeof kid !== 'string' || privateJwk?.crv !== 'Ed25519' || privateJwk.d === undefined) {
    throw new RangeError('not a revision key: an Ed25519 private JWK with its kid is expected');
  }
  return { id: kid, key: (await importJWK(privateJwk, 'EdDSA')) as RevisionKey };
};

/** What workers are configured with: the public half, 32 bytes in base64url. */
export const publicRevisionKey = ({ privateJwk }: RevisionKeyFile): string => privateJwk.x ?? '';
