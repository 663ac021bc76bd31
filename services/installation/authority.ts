import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import * as x509 from '@peculiar/x509';
import { InstallationError } from './errors.ts';
import { keep, read, write } from './files.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** As long as public authorities may at most. */
export const CERTIFICATE_DAYS = 398;

export interface IssueOptions {
  readonly names: readonly string[];
  readonly addresses?: readonly string[];
  readonly usage: 'server' | 'client' | 'both';
}

/** Where a certificate and its key are. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

type Key = Parameters<typeof crypto.subtle.exportKey>[1];

interface KeyPair {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

const makePem = async (): Promise<string> => {
  const { privateKey } = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`;
};

const keyPairOf = async (file: string, pem: string): Promise<KeyPair> => {
  try {
    const pkcs8 = x509.PemConverter.decodeFirst(pem);
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    return {
      privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']),
      publicKey: await crypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']),
    };
  } catch {
    // Without the cause: its words may be of the key.
    throw new InstallationError(`${file} holds no P-256 private key in PEM (PKCS #8): put it back from a backup`);
  }
};

/** Makes the key unless it is there. */
const keepKey = async (file: string): Promise<KeyPair> => keyPairOf(file, (await keep(file, makePem)).toString('utf8'));

const validity = (days: number): { notBefore: Date; notAfter: Date } => ({
  // Clocks may be a day apart.
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + days * DAY_MS),
});

const selfSigned = async (keys: KeyPair): Promise<string> => {
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=CloudBridge internal CA',
    ...validity(AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
};

const usages = (usage: IssueOptions['usage']): string[] => [
  ...(usage === 'client' ? [] : [x509.ExtendedKeyUsage.serverAuth]),
  ...(usage === 'server' ? [] : [x509.ExtendedKeyUsage.clientAuth]),
];

/** The internal certificate authority of one installation: a folder with `ca.pem` and `ca.key`. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #key: Key;
  readonly #folder: string;
  /** PEM file of what to trust. */
  readonly file: string;

  private constructor(folder: string, certificate: x509.X509Certificate, key: Key) {
    this.#folder = folder;
    this.#certificate = certificate;
    this.#key = key;
    this.file = join(folder, 'ca.pem');
  }

  /** Opens the authority in this folder, which only the owner can enter, or makes one. */
  static async open(folder: string): Promise<Authority> {
    const keys = await keepKey(join(folder, 'ca.key'));
    const pem = await keep(join(folder, 'ca.pem'), () => selfSigned(keys), read);
    return new Authority(folder, new x509.X509Certificate(pem.toString('utf8')), keys.privateKey);
  }

  /**
   * Issues a certificate and writes it as `<name>.pem`. A key that lies there already as `<name>.key` (mode 0600) stays.
   *
   * @param name path relative to the authority's folder
   */
  async issue(name: string, options: IssueOptions): Promise<Identity> {
    const base = resolve(this.#folder, name);
    const identity = { certificate: `${base}.pem`, key: `${base}.key` };
    const { publicKey } = await keepKey(identity.key);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${basename(name)}`,
      issuer: this.#certificate.subject,
      ...validity(CERTIFICATE_DAYS),
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages(options.usage)),
        new x509.SubjectAlternativeNameExtension([
          ...options.names.map((value) => ({ type: 'dns' as const, value })),
          ...(options.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ],
    });
    await write(identity.certificate, `${certificate.toString('pem')}\n`);
    return identity;
  }

  /** The same, unless the certificate is there already. */
  async ensure(name: string, options: IssueOptions): Promise<Identity> {
    const base = resolve(this.#folder, name);
    if ((await read(`${base}.pem`)) === undefined) return this.issue(name, options);
    return { certificate: `${base}.pem`, key: `${base}.key` };
  }
}
