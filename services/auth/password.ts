import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Gate } from '#services/store/gate.ts';

/** RFC 7914 §2; 32 MB and three passes, one of OWASP's equal choices. */
export const PASSWORD_COST = { logN: 15, r: 8, p: 3 } as const;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Each takes its memory, and a core for a while. */
const gate = new Gate(2);
const FORM = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]+)\$([A-Za-z0-9_-]+)$/;

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

const run = (password: string, salt: Uint8Array, logN: number, r: number, p: number): Promise<Buffer> =>
  gate.run(() =>
    derive(password.normalize('NFKC'), salt, KEY_BYTES, { N: 2 ** logN, r, p, maxmem: 256 * 2 ** logN * r }),
  );

/** @returns `scrypt$logN$r$p$salt$key` */
export const hashPassword = async (
  password: string,
  cost: { readonly logN: number; readonly r: number; readonly p: number } = PASSWORD_COST,
): Promise<string> => {
  const salt = randomBytes(SALT_BYTES);
  const key = await run(password, salt, cost.logN, cost.r, cost.p);
  return `scrypt$${cost.logN}$${cost.r}$${cost.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
};

/** Stands for the hash of a user who does not exist, so that the answer takes as long. */
const NOBODY = `scrypt$${PASSWORD_COST.logN}$${PASSWORD_COST.r}$${PASSWORD_COST.p}$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`;

/** @param hash undefined when there is no such user */
export const checkPassword = async (password: string, hash: string | undefined): Promise<boolean> => {
  const match = FORM.exec(hash ?? NOBODY);
  if (match === null) throw new RangeError('not the hash of a password');
  const [, logN, r, p, salt, expected] = match as unknown as [string, string, string, string, string, string];
  const key = await run(password, Buffer.from(salt, 'base64url'), Number(logN), Number(r), Number(p));
  return timingSafeEqual(key, Buffer.from(expected, 'base64url')) && hash !== undefined;
};
