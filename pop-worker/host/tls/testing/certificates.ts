import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TlsIdentity } from '../context.ts';

export interface Authority {
  readonly pem: string;
  /** A leaf for clients and servers. @param names `DNS:name` and `IP:address` */
  issue(
    commonName: string,
    names?: readonly string[],
    days?: number,
  ): TlsIdentity & { readonly certificateChain: string };
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];

/** A certificate authority made by the `openssl` command, gone with the test. @throws when there is no such command */
export const createAuthority = (commonName = 'CloudBridge test authority'): Authority => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-tls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => path.join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  openssl('req', '-x509', ...KEY, '-subj', `/CN=${commonName}`, '-keyout', file('ca.key'), '-out', file('ca.pem'));
  let issued = 0;
  return {
    pem: readFileSync(file('ca.pem'), 'utf8'),
    issue: (leafName, names = [`DNS:${leafName}`], days = 60) => {
      const leaf = `leaf${issued++}`;
      writeFileSync(file(`${leaf}.ext`), `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      openssl('req', ...KEY, '-subj', `/CN=${leafName}`, '-keyout', file(`${leaf}.key`), '-out', file(`${leaf}.csr`));
      const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', String(days)];
      const extensions = ['-extfile', file(`${leaf}.ext`)];
      openssl('x509', '-req', '-in', file(`${leaf}.csr`), ...signer, ...extensions, '-out', file(`${leaf}.pem`));
      return {
        certificateChain: readFileSync(file(`${leaf}.pem`), 'utf8'),
        privateKey: readFileSync(file(`${leaf}.key`), 'utf8'),
      };
    },
  };
};

/** SHA-256 of the SubjectPublicKeyInfo of a certificate, as clients pin it. */
export const pinOf = (certificatePem: string): Uint8Array => {
  const key = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' });
  return Uint8Array.from(createHash('sha256').update(key).digest());
};
