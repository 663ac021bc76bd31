import { isIP } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { InstallationError } from './errors.ts';
import { list, makeFolder, read, write } from './files.ts';

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const isHost = (text: string): boolean => isIP(text) !== 0 || HOST_NAME.test(text);

const host = z.string().refine(isHost, 'must be a host name in lower case or an IP address');

/** What an installation was made for, as it stands in its `installation.json`. */
const SettingsFile = z.strictObject({
  version: z.literal(1),
  /** Where NATS is reached: one server, or the three of a cluster. */
  natsHosts: z
    .array(host)
    .refine((hosts) => [1, 3].includes(hosts.length), 'must be one, or three for a cluster')
    .refine((hosts) => new Set(hosts).size === hosts.length, 'must be different hosts'),
  /** More names and addresses that each NATS server is reached at. */
  natsAliases: z.array(host).default([]),
  /** Where the services are reached. */
  servicesHost: host,
  /** What devices connect to. */
  edgeNames: z.array(host),
  edgeAddresses: z.array(z.string().refine((text) => isIP(text) !== 0, 'must be an IP address')),
});
export type Settings = z.infer<typeof SettingsFile>;

/** What a command line asks for; what it leaves out stays as it is. */
export type AskedSettings = { readonly [Name in Exclude<keyof Settings, 'version'>]?: Settings[Name] };

const OPTION: Readonly<Record<string, string>> = {
  natsHosts: '--nats-host',
  natsAliases: '--nats-alias',
  servicesHost: '--services-host',
  edgeNames: '--edge-name',
  edgeAddresses: '--edge-address',
};

const fileIn = (folder: string): string => join(folder, 'installation.json');

const parse = (values: unknown, place: (path: readonly PropertyKey[]) => string): Settings => {
  const result = SettingsFile.safeParse(values);
  if (result.success) return result.data;
  throw new InstallationError(result.error.issues.map(({ path, message }) => `${place(path)}: ${message}`).join('; '));
};

/** @throws InstallationError when there is no installation in the folder */
export const readSettings = async (folder: string): Promise<Settings> => {
  const found = await find(folder);
  if (found !== undefined) return found;
  throw new InstallationError(`${folder} holds no installation: make one with \`cloudbridge installation create\``);
};

const find = async (folder: string): Promise<Settings | undefined> => {
  const file = fileIn(folder);
  const text = await read(file);
  if (text === undefined) return undefined;
  let values: unknown;
  try {
    values = JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new InstallationError(`${file} is no JSON: put it back from a backup`, { cause });
  }
  return parse(values, (path) => `${file}: ${path.join('.')}`);
};

/** Takes what is asked for into the folder's settings, or makes the folder. @throws InstallationError */
export const keepSettings = async (folder: string, asked: AskedSettings): Promise<Settings> => {
  const before = await find(folder);
  if (before === undefined && (await list(folder)).length > 0)
    throw new InstallationError(`${folder} is not empty and holds no installation: name a new folder`);
  if (before !== undefined) {
    // Certificates, configuration and the addresses of tokens hang on them.
    for (const name of ['natsHosts', 'servicesHost'] as const) {
      const wanted = asked[name];
      if (wanted === undefined || String(wanted) === String(before[name])) continue;
      const was = String(before[name]).replaceAll(',', ', ');
      throw new InstallationError(
        `${folder} was made for ${OPTION[name]} ${was}: leave the option out, or make another installation in a new folder`,
      );
    }
  }
  const [first] = asked.natsHosts ?? [];
  if (before === undefined && first === undefined)
    throw new InstallationError('--nats-host is missing: name the host that NATS will be reached at');
  const base = before ?? { natsAliases: [], servicesHost: first, edgeNames: [], edgeAddresses: [] };
  const settings = parse({ version: 1, ...base, ...asked }, ([name = '']) => OPTION[String(name)] ?? String(name));
  await makeFolder(folder);
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  if (text !== (await read(fileIn(folder)))?.toString('utf8')) await write(fileIn(folder), text);
  return settings;
};
