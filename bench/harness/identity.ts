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

let made: Pem | undefined;

/** One for all tests of this process: making it takes three runs of openssl. */
const makePem = (): Pem => {
  if (made === undefined) {
    const authority = createAuthority();
    const { certificateChain, privateKey } = authority.issue(SERVER_NAME, NAMES);
    made = { certificate: certificateChain, key: String(privateKey), authority: authority.pem };
  }
  return made;
};

/** Runs `work` with a folder that is gone afterwards, and an identity whose files lie in it. */
export const withIdentity = async <T>(work: (identity: Identity, folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-peers-'));
  try {
    const pem = makePem();
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
