/** One entry of an archive; a folder has no content. */
export interface Entry {
  /** Without a `/` before it; folders come before what is in them. */
  readonly name: string;
  readonly content?: Uint8Array;
}

const FOLDER_MODE = 0o040755;
const FILE_MODE = 0o100755;
/** What each part is filled up to. */
const UNIT = 4;
const TRAILER = 'TRAILER!!!';

const padding = (length: number): Buffer => Buffer.alloc(-length & (UNIT - 1));

const one = (name: string, mode: number, number: number, content: Uint8Array): readonly Uint8Array[] => {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const nameBytes = Buffer.from(`${name}\0`);
  // Number, mode, owner, group, links, time, size, device (4), length of the name, no checksum.
  const fields = [number, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0];
  const head = Buffer.concat([Buffer.from(`070701${fields.map(hex).join('')}`), nameBytes]);
  return [head, padding(head.length), content, padding(content.length)];
};

/**
 * An archive that the kernel unpacks as its first file system: cpio of the form `newc`
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */
export const archiveOf = (entries: readonly Entry[]): Buffer => {
  const parts = entries.flatMap(({ name, content }, i) =>
    one(name, content === undefined ? FOLDER_MODE : FILE_MODE, i + 1, content ?? new Uint8Array(0)),
  );
  return Buffer.concat([...parts, ...one(TRAILER, 0, 0, new Uint8Array(0))]);
};
