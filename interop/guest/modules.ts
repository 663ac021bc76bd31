import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ENDING = '.ko';

const nameOf = (file: string): string => path.basename(file, ENDING).replaceAll('-', '_');

/** Names that a module says it depends on: `depends=` in its section `.modinfo`, up to a NUL. */
export const dependsOf = (module: Buffer): readonly string[] => {
  const mark = Buffer.from('\0depends=');
  const at = module.indexOf(mark);
  if (at < 0) return [];
  const from = at + mark.length;
  return module
    .toString('latin1', from, module.indexOf(0, from))
    .split(',')
    .filter((name) => name !== '')
    .map((name) => name.replaceAll('-', '_'));
};

/**
 * Files of these modules and of all that they depend on, each after what it needs.
 *
 * @param folder of a kernel's modules, uncompressed
 * @throws Error there is no such module, so it is built into the kernel or not there
 */
export const modulesFor = (folder: string, names: readonly string[]): readonly string[] => {
  const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ENDING));
  const files = new Map(all.map((file) => [nameOf(file), path.join(folder, file)]));
  const inOrder = new Set<string>();
  const add = (name: string): void => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`The kernel of the guest has no module ${name}.`);
    if (inOrder.has(file)) return;
    for (const below of dependsOf(readFileSync(file))) add(below);
    inOrder.add(file);
  };
  for (const name of names) add(name);
  return [...inOrder];
};
