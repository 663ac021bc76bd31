import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** PEM files. The certificate is its own authority. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/**
 * A certificate for 127.0.0.1, valid for one day only.
 *
 * @param folder that its files are written to
 * @param startDays when that day begins, in days from now: before -1 it has expired, above 0 it is not yet valid
 */
export const certificateOfAnotherTime = async (folder: string, startDays: number): Promise<CertificateFiles> => {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const startMs = Date.now() + startDays * DAY_MS;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=another time',
    notBefore: new Date(startMs),
    notAfter: new Date(startMs + DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const files = { certificate: join(folder, `${startDays}.pem`), key: join(folder, `${startDays}.key`) };
  await writeFile(files.certificate, made.toString('pem'));
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  await writeFile(files.key, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), { mode: 0o600 });
  return files;
};
