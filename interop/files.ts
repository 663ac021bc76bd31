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

/** A file by its size in bytes, and by its name too where that matters. */
export type FileSpec = number | { readonly name: string; readonly bytes: number };

const makeFolders = ({ files }: Identity, folder: string, specs: readonly FileSpec[]): Folders => {
  const www = path.join(folder, 'www');
  const download = path.join(folder, 'download');
  for (const made of [www, download]) mkdirSync(made);
  const paths = specs.map((spec, i) => {
    const { name, bytes } = typeof spec === 'number' ? { name: `file${i}`, bytes: spec } : spec;
    writeFileSync(path.join(www, name), randomBytes(bytes));
    return `/${name}`;
  });
  return { ...files, www, paths, download };
};

/** Runs `work` with these files and a server certificate, all gone afterwards. @param names more names in the certificate */
export const withFolders = <T>(
  specs: readonly FileSpec[],
  work: (folders: Folders, folder: string) => Promise<T>,
  names: readonly string[] = [],
): Promise<T> => withIdentity((identity, folder) => work(makeFolders(identity, folder, specs), folder), names);

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
