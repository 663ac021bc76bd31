import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TlsIdentity } from '#host/tls/context.ts';
import { type Authority, createAuthority } from '#host/tls/testing/certificates.ts';

/** The name in every server's certificate. */
export const SERVER_NAME = 'peer.test';

/** What both sides of a test find on disk. */
export type Folders = {
  /** Files that the server offers; their paths in a request. */
  readonly www: string;
  readonly paths: readonly string[];
  readonly download: string;
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
};

let made: { authority: Authority; server: TlsIdentity } | undefined;

/** One authority and one server certificate for all tests of this process. */
const identities = () => {
  if (made === undefined) {
    const authority = createAuthority();
    made = { authority, server: authority.issue(SERVER_NAME) };
  }
  return made;
};

const makeFolders = (folder: string, sizes: readonly number[]): Folders => {
  const [www, download] = ['www', 'download'].map((name) => path.join(folder, name)) as [string, string];
  for (const made of [www, download]) mkdirSync(made);
  const paths = sizes.map((size, i) => {
    writeFileSync(path.join(www, `file${i}`), randomBytes(size));
    return `/file${i}`;
  });
  const { authority, server } = identities();
  const save = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    www,
    paths,
    download,
    certificate: save('server.pem', String(server.certificateChain)),
    key: save('server.key', String(server.privateKey)),
    authority: save('authority.pem', authority.pem),
  };
};

/** Runs `work` with files of these sizes, an authority and a server certificate, all gone afterwards. */
export const withFolders = async <T>(sizes: readonly number[], work: (folders: Folders) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-interop-'));
  try {
    return await work(makeFolders(folder, sizes));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const digest = (file: string): string | undefined => {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
};

/** Takes the downloads away. @throws an Error that names the first file that is not what the server offered */
export const compareDownloads = ({ www, download, paths }: Folders): void => {
  for (const name of paths) {
    const [wanted, got] = [www, download].map((folder) => digest(path.join(folder, name)));
    rmSync(path.join(download, name), { force: true });
    if (got === undefined) throw new Error(`${name} was not downloaded.`);
    if (got !== wanted) throw new Error(`${name} arrived with SHA-256 ${got}, not ${wanted}.`);
  }
};
