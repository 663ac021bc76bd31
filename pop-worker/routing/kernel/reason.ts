import { getSystemErrorName } from 'node:util';
import type { Refusal } from '#protocol/netlink/acknowledgement.ts';

/** Why the kernel refused, in few words. */
export const reasonOf = ({ errno, message }: Refusal): string => {
  const code = getSystemErrorName(-errno);
  return message === undefined || message === '' ? code : `${code}: ${message}`;
};

/** Errnos (asm-generic/errno-base.h). */
export const Errno = { enoent: 2, esrch: 3, eexist: 17, enodev: 19, einval: 22 } as const;
