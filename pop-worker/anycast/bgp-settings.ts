import { z } from 'zod';
import { parseIpv4 } from '#protocol/ip/text.ts';
import { BmpFile } from '#settings/bmp.ts';
import { hostPort } from '#settings/fields.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { MrtSettings } from '#settings/mrt.ts';
import { RpkiFile } from '#settings/rpki.ts';

/** `[bgp]` of a worker's file; neighbours and prefixes come from the control plane. */
export const BgpSection = z.strictObject({
  /** Of the worker alone, such as its own IPv4 address (RFC 4271 §1.1). */
  router_id: z
    .string()
    .refine((text) => parseIpv4(text) !== undefined && text !== '0.0.0.0', 'must be an IPv4 address'),
  /** Where connections are taken. */
  listen: z.array(hostPort).min(1).default(['0.0.0.0:179', '[::]:179']),
  /** Files with TCP MD5 passwords (RFC 2385), by the names that neighbours have for them; nobody else may read them. */
  passwords: z.record(z.string().min(1).max(40), z.string()).default({}),
  /** A tenth of the preference more so often after a path came back; 0: all at once. */
  step_seconds: z.int().min(0).max(3600).default(5),
  /** As in the file of `bgp run`. */
  rpki: RpkiFile.prefault({}),
  mrt: MrtSettings.optional(),
  bmp: BmpFile.prefault({}),
});
export type BgpSettings = z.infer<typeof BgpSection>;

/** @param at makes a path of the file's an absolute one */
export const withBgpPaths = (settings: BgpSettings, at: (path: string) => string): BgpSettings => ({
  ...settings,
  passwords: Object.fromEntries(Object.entries(settings.passwords).map(([name, file]) => [name, at(file)])),
  rpki: { caches: settings.rpki.caches.map((cache) => withKeyPath(cache, at)) },
  ...(settings.mrt && { mrt: { ...settings.mrt, directory: at(settings.mrt.directory) } }),
  bmp: { ...settings.bmp, stations: settings.bmp.stations.map((station) => withKeyPath(station, at)) },
});

const withKeyPath = <T extends { readonly md5_key_file?: string | undefined }>(
  one: T,
  at: (path: string) => string,
): T => (one.md5_key_file === undefined ? one : { ...one, md5_key_file: at(one.md5_key_file) });

/** Passwords by their names, without the end of a line. @throws ConfigError */
export const readBgpPasswords = ({ passwords }: BgpSettings): ReadonlyMap<string, Uint8Array> =>
  new Map(
    Object.entries(passwords).map(([name, file]) => {
      const text = readSecretFile(file, 'the password of a BGP session').toString();
      return [name, new TextEncoder().encode(text.replace(/\r?\n$/, ''))];
    }),
  );

/** @param text that is an IPv4 address */
export const routerIdOf = (text: string): number => {
  const [a = 0, b = 0, c = 0, d = 0] = parseIpv4(text) ?? [];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
};
