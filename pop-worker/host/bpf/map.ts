import { readFileSync } from 'node:fs';
import { native } from '../native.ts';
import { type BpfMapHandle, MAP_INFO_WORDS, MapInfo } from './native.ts';
import type { RingMemory } from './ring.ts';

const CURSOR_BYTES = 64;
/** Elements that one call reads. */
const READ_AT_ONCE = 4096;
/** ENOSPC: no bucket of a hash may be read in part, and one has more than there is room for. */
const NO_SPACE = 'ENOSPC';
/** BPF_MAP_TYPE_ARRAY. */
const ARRAY = 2;

let cpus: number | undefined;

/** CPUs that this machine may have: so many values an element of a per-CPU map has. */
export const possibleCpus = (): number => {
  cpus ??= 1 + Number(readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(/[,-]/).at(-1));
  return cpus;
};

/** What a map is asked to do with an element that is there, or is not. */
export const Update = { any: 0, onlyNew: 1, onlyOld: 2 } as const;

/** A map of BPF programs. Keys and values are bytes as the programs lay them out. */
export class BpfMap {
  readonly keyBytes: number;
  /** Of a per-CPU map: of all CPUs, each from a multiple of eight bytes on. */
  readonly valueBytes: number;
  /** Elements that it holds at most. */
  readonly most: number;
  readonly #handle: BpfMapHandle;

  /** @param descriptor the map's from now on */
  constructor(descriptor: number) {
    this.#handle = native.bpfMapOpen(descriptor, possibleCpus());
    const info = new Uint32Array(MAP_INFO_WORDS);
    native.bpfMapInfo(this.#handle, info);
    this.keyBytes = info[MapInfo.keyBytes] as number;
    this.valueBytes = info[MapInfo.valueBytes] as number;
    this.most = info[MapInfo.most] as number;
  }

  /** An array that is to be an element of another map. @param name of at most 15 bytes */
  static array(name: string, valueBytes: number, most: number): BpfMap {
    return new BpfMap(native.bpfMapCreate(name, ARRAY, 4, valueBytes, most, 0));
  }

  get descriptor(): number {
    return native.bpfMapDescriptor(this.#handle);
  }

  /** @throws EEXIST, ENOENT by `how`; E2BIG where there is no room */
  update(key: Uint8Array, value: Uint8Array, how: (typeof Update)[keyof typeof Update] = Update.any): void {
    native.bpfMapUpdate(this.#handle, key, value, how);
  }

  /** @param into is filled in @returns whether there is such an element */
  lookup(key: Uint8Array, into: Uint8Array): boolean {
    return native.bpfMapLookup(this.#handle, key, into);
  }

  /** @returns whether there was one */
  delete(key: Uint8Array): boolean {
    return native.bpfMapDelete(this.#handle, key);
  }

  /** Elements that lie behind one another. @throws the error of the first that was not taken; those before it are there */
  updateAll(keys: Uint8Array, values: Uint8Array, count: number): void {
    if (count > 0) native.bpfMapUpdateBatch(this.#handle, keys, values, count);
  }

  /** @throws ENOENT of the first that is not there; those before it are gone */
  deleteAll(keys: Uint8Array, count: number): void {
    if (count > 0) native.bpfMapDeleteBatch(this.#handle, keys, count);
  }

  /** Shows each element. What comes and goes meanwhile may be shown or not. */
  each(show: (key: Uint8Array, value: Uint8Array) => void): void {
    const { keyBytes, valueBytes } = this;
    const cursor = new Uint8Array(CURSOR_BYTES);
    let room = Math.min(READ_AT_ONCE, this.most);
    let keys = new Uint8Array(room * keyBytes);
    let values = new Uint8Array(room * valueBytes);
    for (let isFirst = true, isLast = false; !isLast; ) {
      let read: number;
      try {
        read = native.bpfMapRead(this.#handle, keys, values, cursor, room, isFirst);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== NO_SPACE || room > this.most) throw error;
        room *= 2;
        keys = new Uint8Array(room * keyBytes);
        values = new Uint8Array(room * valueBytes);
        continue;
      }
      isFirst = false;
      isLast = read < 0;
      const count = isLast ? -read - 1 : read;
      for (let i = 0; i < count; i++)
        show(keys.subarray(i * keyBytes, (i + 1) * keyBytes), values.subarray(i * valueBytes, (i + 1) * valueBytes));
    }
  }

  /** Of an array that may be mapped: what is written there programs see at once. */
  memory(): ArrayBuffer {
    return native.bpfMapMemory(this.#handle);
  }

  /** Of a ring; see `RingReader`. @throws RangeError: it is none */
  ring(): RingMemory {
    return { consumer: native.bpfMapRing(this.#handle, true), producer: native.bpfMapRing(this.#handle, false) };
  }

  close(): void {
    native.bpfMapClose(this.#handle);
  }
}
