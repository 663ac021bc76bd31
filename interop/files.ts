import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Identity, withIdentity } from '#bench/harness/identity.ts';

/** What both sides of a test find on disk. */
export type Folders = Identity['files'] & {
  /** Files that the server offers; their paths in a request. */
  readonly www: string;
  readonly paths: readonly string[];
  readonly download: string;
};

const makeFolders = ({ files }: Identity, folder: string, sizes: readonly number[]): Folders => {
  const www = path.join(folder, 'www');
  const download = path.join(folder, 'download');
  for (const made of [www, download]) mkdirSync(made);
  const paths = sizes.map((size, i) => {
    writeFileSync(path.join(www, `file${i}`), randomBytes(size));
    return `/file${i}`;
  });
  return { ...files, www, paths, download };
};

/** Runs `work` with files of these sizes and a server certificate, all gone afterwards. */
export const withFolders = <T>(sizes: readonly number[], work: (folders: Folders) => Promise<T>): Promise<T> =>
  withIdentity((identity, folder) => work(makeFolders(identity, folder, sizes)));

const digest = (file: string): string | undefined => {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return undefined;
  }
};

/** Takes the downloads away. @throws an Error that names the first file that is not what the server offered */
export const compareDownloads = ({ www, download, paths }: Pick<Folders, 'www' | 'download' | 'paths'>): void => {
  for (const name of paths) {
    const [wanted, got] = [www, download].map((folder) => digest(path.join(folder, name)));
    rmSync(path.join(download, name), { force: true });
    if (got === undefined) throw new Error(`${name} was not downloaded.`);
    if (got !== wanted) throw new Error(`${name} arrived with SHA-256 ${got}, not ${wanted}.`);
  }
};
