import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { native } from '../native.ts';

/** BPF_FS_MAGIC. */
const BPF_FS = 0xcafe4a11;
const USUAL = '/sys/fs/bpf';
/** Where `/sys` is another one, as in a namespace that `ip netns exec` made. */
const OWN = '/run/cloudbridge/bpf';

const isBpfFs = (folder: string): boolean => {
  try {
    return statfsSync(folder).type === BPF_FS;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
};

/** A file system for pins, mounted if need be. @throws Error where none can be */
export const bpfFileSystem = (): string => {
  for (const folder of [USUAL, OWN]) if (isBpfFs(folder)) return folder;
  mkdirSync(OWN, { recursive: true, mode: 0o700 });
  const { status, stderr, error } = spawnSync('mount', ['-t', 'bpf', '-o', 'mode=0700', 'bpf', OWN], {
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`no BPF file system can be mounted at ${OWN}: ${(error?.message ?? stderr).trim()}`);
  return OWN;
};

/** What stays in the kernel when nobody has it open: links and maps by names of a folder. */
export class Pins {
  readonly #folder: string;

  /** @param folder of a BPF file system; made if need be */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
  }

  /** @returns a descriptor; undefined: nothing is pinned there */
  find(name: string): number | undefined {
    try {
      return native.bpfPinned(this.#path(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  pin(name: string, descriptor: number): void {
    native.bpfPin(descriptor, this.#path(name));
  }

  names(): string[] {
    return readdirSync(this.#folder);
  }

  unpin(name: string): void {
    unlinkSync(this.#path(name));
  }

  /** Whatever is pinned there ends with its last descriptor. */
  remove(): void {
    for (const name of this.names()) this.unpin(name);
    rmdirSync(this.#folder);
  }

  #path(name: string): string {
    return path.join(this.#folder, name);
  }
}
