import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { readSecretFile } from '#settings/key-files.ts';
import { ConfigError } from '#settings/toml-file.ts';
import type { DnsDefence } from './setup.ts';

const SECRET_BYTES = 16;

const secretIn = (file: string): Uint8Array => {
  const text = readSecretFile(file, 'the secret of DNS cookies').toString().trim();
  if (!/^[0-9a-fA-F]{32}$/.test(text)) {
    throw new ConfigError(`the secret of DNS cookies ${file} must be 16 bytes in hexadecimal: openssl rand -hex 16`);
  }
  return Uint8Array.from(Buffer.from(text, 'hex'));
};

/** @param base folder that the file is named from @throws ConfigError when it cannot be read or is no secret */
export const defenceOf = (
  settings: { readonly rate_limit: number; readonly cookie_secret?: string | undefined },
  base: string,
): DnsDefence => {
  const { cookie_secret: file } = settings;
  return {
    // Without one of its own it makes one that lasts as long as the process: cookies of before are made anew.
    cookieSecret: file === undefined ? new Uint8Array(randomBytes(SECRET_BYTES)) : secretIn(resolve(base, file)),
    limitSecret: new Uint8Array(randomBytes(SECRET_BYTES)),
    perSecond: settings.rate_limit,
  };
};
