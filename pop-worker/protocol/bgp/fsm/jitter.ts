import type { Random, TimeUs } from '../../contract.ts';

const byte = new Uint8Array(1);

/** Between three quarters and all of a time (RFC 4271 §10). */
export const jitter = (us: TimeUs, random: Random): TimeUs => {
  random.fill(byte);
  return us * (0.75 + ((byte[0] as number) / 255) * 0.25);
};
