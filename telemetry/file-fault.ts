import { statSync } from 'node:fs';

/** What a failed system call on a file means to people, and what they can do about it, by the name of its errno. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC): make room on it',
  EDQUOT: 'the quota of the disk is used up (EDQUOT): make room or have it raised',
  EROFS: 'its file system is mounted read-only (EROFS): mount it writable or name another place',
  EACCES: 'the user of this process may not (EACCES): give it the rights (`chown`) or name another place',
  EPERM: 'the user of this process may not (EPERM): give it the rights (`chown`) or name another place',
  ENOENT: 'it is not there (ENOENT): put it there or name another place',
  ENOTDIR: 'what should be its folder is none (ENOTDIR): remove that or name another place',
  EEXIST: 'what should be its folder is none (EEXIST): remove that or name another place',
  EISDIR: 'it is a folder (EISDIR): move it away or name another place',
  EPIPE: 'what reads it has ended (EPIPE): keep that running or name another place',
  EIO: 'the disk fails (EIO): see the log of the kernel and replace it',
  EMFILE: 'too many files are open (EMFILE): raise the limit (`ulimit -n`)',
  ENFILE: 'too many files are open (ENFILE): raise fs.file-max',
};

/**
 * Cause and mend, to be put behind what could not be done to which file.
 *
 * @param error of the file system; another's message is given as it is
 * @param option that named the file: `--config`; absent where none did
 */
export const fileFault = (error: unknown, option?: string): string => {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (code === undefined) return message ?? String(error);
  const fault = FAULTS[code] ?? `the system refuses it (${code}): mend that or name another place`;
  return option === undefined ? fault : fault.replace('another place', `another file with ${option}`);
};

const GROUP_AND_OTHERS = 0o077;

/** Why a file with a secret is not private, to be put behind its name; undefined: it is its owner's alone. */
export const secretFault = (file: string): string | undefined => {
  const { mode } = statSync(file);
  if ((mode & GROUP_AND_OTHERS) === 0) return undefined;
  return `may be read or changed by others (mode ${(mode & 0o777).toString(8)}): chmod 600 ${file}`;
};
