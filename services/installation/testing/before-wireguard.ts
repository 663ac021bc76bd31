import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nkeys } from '@nats-io/nats-core';

const isOfWireGuard = (text: string): boolean => /\.wireguard\.|wireguard\.>/.test(text);

/** Without every right to a subject of WireGuard, wherever claims have a list of them. */
const without = (claims: unknown): unknown => {
  if (Array.isArray(claims)) return claims.filter((one) => !isOfWireGuard(JSON.stringify(one))).map(without);
  if (typeof claims !== 'object' || claims === null) return claims;
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, without(value)]));
};

/** The same JWT, but for those rights, signed by whoever had signed it. */
const resigned = async (jwt: string, seedFile: string): Promise<string> => {
  const [head = '', body = ''] = jwt.split('.');
  const claims = without(JSON.parse(Buffer.from(body, 'base64url').toString()));
  const text = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  const signer = nkeys.fromSeed(new Uint8Array(await readFile(seedFile)));
  return `${text}.${Buffer.from(signer.sign(new TextEncoder().encode(text))).toString('base64url')}`;
};

const JWT = /[\w-]+\.[\w-]+\.[\w-]+/g;

const rewrite = async (file: string, seedFile: string): Promise<void> => {
  const text = await readFile(file, 'utf8');
  let changed = text;
  for (const jwt of text.match(JWT) ?? []) {
    const body = Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString();
    if (isOfWireGuard(body)) changed = changed.replace(jwt, await resigned(jwt, seedFile));
  }
  if (changed === text) throw new Error(`${file} has nothing of WireGuard in it`);
  await writeFile(file, changed);
};

/**
 * Makes of an installation one as it was made before there was WireGuard: accounts and credentials without rights to its records,
 * workers without its key and its section.
 *
 * @param folder of the installation @param natsFolder of its one server @param worker `POP/ID`, of its one worker
 */
export const makeOfBefore = async (folder: string, natsFolder: string, worker: string): Promise<void> => {
  const keys = join(folder, 'keys');
  await rewrite(join(natsFolder, 'accounts.conf'), join(keys, 'operator.seed'));
  await rewrite(join(folder, 'edge', 'edge.creds'), join(keys, 'edge.seed'));
  const home = join(folder, 'workers', worker);
  await rewrite(join(home, 'worker.creds'), join(keys, 'workers', `${worker}.seed`));
  for (const file of [join(keys, 'wireguard.key'), join(home, 'wireguard.key')]) await rm(file);
  const config = join(home, 'worker.toml');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(/^\[wireguard\]\n.*\n/m, ''));
};
