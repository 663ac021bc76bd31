import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ProgramSpec, withPrograms } from '#bench/harness/program.ts';
import { type GuestParts, guestParts } from '#scripts/setup/debian-peers.mjs';
import { Control } from './control.ts';
import { imageOf } from './image.ts';

/** Emulated, without help of the processor: it takes about four seconds where nothing else runs. */
const BOOT_MS = 120_000;
const RUN_MS = 60_000;
const SERVES_MS = 20_000;

export interface GuestOptions {
  /** Of the guest's kernel, besides those that any guest has. */
  readonly modules: readonly string[];
  readonly memoryMiB: number;
  /** Where it runs, and the TAP there that is the other end of its `eth0`; absent: it has no link. */
  readonly link?: { readonly namespace: string; readonly tap: string; readonly mac: string };
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Words as a command line of the shell. */
export const commandLine = (words: readonly string[]): string => words.map(quoted).join(' ');

/** A machine with a kernel of its own, whose files are this one's, read-only; `/run` is its own. */
export class Guest {
  readonly #control: Control;

  constructor(control: Control) {
    this.#control = control;
  }

  /** What the script prints. @throws Error with what it says when it fails, or when it takes too long */
  async run(script: string, limitMs = RUN_MS): Promise<string> {
    const { code, stdout, stderr } = await this.#control.run(`export TMPDIR=/run/guest/tmp\n${script}`, limitMs);
    if (code === 0) return stdout;
    throw new Error(`In the guest, \`${script}\` ended with ${code}: ${(stderr || stdout).trim()}`);
  }
}

const words = (parts: GuestParts, image: string, socket: string, { memoryMiB, link }: GuestOptions): string[] => [
  ...parts.firmware.flatMap((folder) => ['-L', folder]),
  ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-machine', 'pc,accel=tcg'],
  ...['-cpu', 'max', '-smp', '1', '-m', String(memoryMiB)],
  ...['-kernel', parts.kernel, '-initrd', image],
  ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=unstable'],
  ...['-serial', 'stdio', '-device', 'virtio-serial-pci'],
  ...['-chardev', `socket,id=control,path=${socket},server=on,wait=off`],
  ...['-device', 'virtserialport,chardev=control,name=control'],
  ...['-fsdev', 'local,id=machine,path=/,security_model=none,readonly=on,multidevs=remap'],
  ...['-device', 'virtio-9p-pci,fsdev=machine,mount_tag=machine'],
  ...(link === undefined
    ? ['-nic', 'none']
    : [
        ...['-netdev', `tap,id=link,ifname=${link.tap},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=link,mac=${link.mac},romfile=`],
      ]),
];

const connected = async (file: string, failure: () => unknown): Promise<Control> => {
  for (const end = performance.now() + SERVES_MS; ; await wait(50)) {
    if (failure() !== undefined) throw failure();
    try {
      return await Control.open(file);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
};

/** Runs `work` with a guest that is up, and is gone afterwards. @throws PeerMissing it cannot be had here */
export const withGuest = async <T>(options: GuestOptions, work: (guest: Guest) => Promise<T>): Promise<T> => {
  const parts = await guestParts();
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-guest-'));
  try {
    const [image, socket] = [path.join(folder, 'image'), path.join(folder, 'control')];
    writeFileSync(image, imageOf(parts.busybox, parts.modules, options.modules));
    return await withPrograms(async (start) => {
      const spec: ProgramSpec = {
        ...{ name: 'the guest', command: parts.qemu, env: { LD_LIBRARY_PATH: parts.libraries } },
        args: words(parts, image, socket, options),
      };
      const program = start(spec, options.link === undefined ? {} : { namespace: options.link.namespace });
      let failure: unknown;
      program.result.catch((error: unknown) => (failure = error));
      const control = await connected(socket, () => failure);
      try {
        await control.ready(BOOT_MS).catch((error: Error) => {
          throw new Error(`${error.message} Its console: ${program.output.slice(-2000)}`);
        });
        return await work(new Guest(control));
      } finally {
        control.close();
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
