import { readFileSync } from 'node:fs';
import path from 'node:path';
import { archiveOf } from './archive.ts';
import { modulesFor } from './modules.ts';

/** What lets the guest have a link, files of this machine and a way to be told. */
const NEEDED = ['virtio_pci', 'virtio_net', 'virtio_console', '9pnet_virtio', '9p'];
const INIT = path.join(import.meta.dirname, 'init.sh');
const FOLDERS = ['bin', 'dev', 'machine', 'modules', 'proc', 'sys'];

/**
 * The guest's first file system, in memory.
 *
 * @param modules of the kernel that the guest needs besides
 */
export const imageOf = (busybox: string, moduleFolder: string, modules: readonly string[]): Buffer => {
  const files = modulesFor(moduleFolder, [...NEEDED, ...modules]);
  return archiveOf([
    ...FOLDERS.map((name) => ({ name })),
    { name: 'init', content: readFileSync(INIT) },
    { name: 'bin/busybox', content: readFileSync(busybox) },
    ...files.map((file) => ({ name: `modules/${path.basename(file)}`, content: readFileSync(file) })),
    { name: 'modules/order', content: Buffer.from(files.map((file) => `${path.basename(file)}\n`).join('')) },
  ]);
};
