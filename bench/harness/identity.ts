import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthority } from '#host/tls/testing/certificates.ts';

/** Names in the certificate of every server that is tested or measured. */
export const SERVER_NAME = 'peer.test';
const NAMES = [`DNS:${SERVER_NAME}`, 'DNS:bench.test'];

type Pem = { readonly certificate: string; readonly key: string; readonly authority: string };

/** A server's certificate and key and the authority's certificate: as PEM, and as files that hold it. */
export type Identity = { readonly pem: Pem; readonly files: Pem };

const made = new Map<string, Pem>();

/** One for all tests of this process: making it takes three runs of openssl. */
const makePem = (more: readonly string[]): Pem => {
  const names = [...NAMES, ...more];
  const known = made.get(names.join());
  if (known !== undefined) return known;
  const authority = createAuthority();
  const { certificateChain, privateKey } = authority.issue(SERVER_NAME, names);
  const pem = { certificate: certificateChain, key: String(privateKey), authority: authority.pem };
  made.set(names.join(), pem);
  return pem;
};

/**
 * Runs `work` with a folder that is gone afterwards, and an identity whose files lie in it.
 *
 * @param more names in the certificate: it can be as large as one likes
 */
export const withIdentity = async <T>(
  work: (identity: Identity, folder: string) => Promise<T>,
  more: readonly string[] = [],
): Promise<T> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-peers-'));
  try {
    const pem = makePem(more);
    const save = (name: keyof Pem): string => {
      const file = path.join(folder, `${name}.pem`);
      writeFileSync(file, pem[name], { mode: 0o600 });
      return file;
    };
    const files = { certificate: save('certificate'), key: save('key'), authority: save('authority') };
    return await work({ pem, files }, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
