import { readFileSync, readlinkSync } from 'node:fs';
import { native } from '../native.ts';

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** The number of its inode: the next namespace may get that of one that is gone. */
const inode = (): string => readlinkSync('/proc/thread-self/ns/net').replaceAll(/\D/g, '');

/**
 * Name of the calling thread's network namespace, fit for a file's name: no other has it, not later and not after a
 * boot. Before Linux 5.14, which cannot tell that much, a later namespace of the same boot may come to have it.
 */
export const namespaceId = (): string => {
  try {
    return `${bootId()}-${native.namespaceCookie()}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOPROTOOPT') throw error;
    return `${bootId()}-inode${inode()}`;
  }
};
