import 'reflect-metadata';
import fs from 'node:fs';
import path from 'node:path';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Certificates of a lab end long after it does; clocks may be a day apart. */
const LIFETIME_MS = 30 * DAY_MS;

export interface IssueOptions {
  readonly names: readonly string[];
  readonly addresses?: readonly string[];
  readonly usage: 'server' | 'client' | 'both';
}

/** Where a certificate and its key were written. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

const pemOfKey = async (key: CryptoKeyLike): Promise<string> =>
  x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

type CryptoKeyLike = Parameters<typeof crypto.subtle.exportKey>[1];

const usages = (usage: IssueOptions['usage']): string[] => [
  ...(usage === 'client' ? [] : [x509.ExtendedKeyUsage.serverAuth]),
  ...(usage === 'server' ? [] : [x509.ExtendedKeyUsage.clientAuth]),
];

/** The internal certificate authority of one installation; its key stays in memory. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #key: CryptoKeyLike;
  readonly #folder: string;
  /** PEM file of what to trust. */
  readonly file: string;

  private constructor(certificate: x509.X509Certificate, key: CryptoKeyLike, folder: string) {
    this.#certificate = certificate;
    this.#key = key;
    this.#folder = folder;
    this.file = path.join(folder, 'ca.pem');
  }

  /** Makes an authority and writes its certificate into `folder`, which only the owner can enter. */
  static async create(folder: string): Promise<Authority> {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=CloudBridge internal CA',
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const authority = new Authority(certificate, keys.privateKey, folder);
    fs.writeFileSync(authority.file, `${certificate.toString('pem')}\n`);
    return authority;
  }

  /** Issues a certificate and writes it with its key (mode 0600) as `<name>.pem` and `<name>.key`. */
  async issue(name: string, options: IssueOptions): Promise<Identity> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      notBefore: new Date(Date.now() - DAY_MS),
      notAfter: new Date(Date.now() + LIFETIME_MS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
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
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const identity = {
      certificate: path.join(this.#folder, `${name}.pem`),
      key: path.join(this.#folder, `${name}.key`),
    };
    fs.writeFileSync(identity.certificate, `${certificate.toString('pem')}\n`);
    fs.writeFileSync(identity.key, `${await pemOfKey(keys.privateKey)}\n`, { mode: 0o600 });
    return identity;
  }
}
