// Where set-up finds and keeps things. Plain JavaScript for any Node from 18: it runs before Node 24 is there.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const home = path.resolve(root, process.env.CBR_HOME || '.cloudbridge');
/** What was fetched and built; several homes may share it. */
export const cache = process.env['CBR_CACHE'] ?? path.join(home, 'cache');
export const logFile = path.join(home, 'log', 'setup.log');
export const node24 = path.join(root, `node_modules/node-linux-${os.arch()}/bin/node`);

export const isRoot = process.getuid?.() === 0;

/** The committed table of what a machine needs. */
export const requirements = JSON.parse(fs.readFileSync(path.join(root, 'scripts/setup/requirements.json'), 'utf8'));

const isExecutable = (file) => {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
};

/** Folders of ip, nft and the like, which PATH often lacks. */
export const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Full path of the first of `names` that this machine has, or undefined. */
export const findCommand = (names) => {
  const folders = [...(process.env.PATH ?? '').split(':'), ...SBIN];
  for (const name of names) {
    for (const folder of folders) {
      if (folder !== '' && isExecutable(path.join(folder, name))) return path.join(folder, name);
    }
  }
  return undefined;
};
