import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** @param files paths from `root` @returns 16 hexadecimal digits that change with the name or a byte of any file */
export const fingerprint = (root: string, files: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort()) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
};

/** The fingerprint of each file by itself. @param files paths from `root` */
export const fingerprints = (root: string, files: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(files.map((file) => [file, fingerprint(root, [file])]));

/** All files in the folders of these and below: with their helpers, neighbours and corpora. */
export const around = (root: string, files: readonly string[]): string[] =>
  [...new Set(files.map((file) => dirname(file)))].flatMap((folder) =>
    globSync(`${folder}/**`, { cwd: root, exclude: ['**/node_modules/**'] }).filter((path) =>
      statSync(join(root, path)).isFile(),
    ),
  );
