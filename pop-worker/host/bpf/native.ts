declare const kind: unique symbol;
export type BpfMapHandle = { readonly [kind]: 'bpf map' };
export type BpfObjectHandle = { readonly [kind]: 'bpf object' };

/** Words of what `bpfMapInfo` fills in; `native/bpf-map.c` has the same order. */
export const MapInfo = { type: 0, keyBytes: 1, valueBytes: 2, most: 3, flags: 4 } as const;
export const MAP_INFO_WORDS = 5;

/** …and `bpfProgramInfo`; `native/bpf.c`. */
export const ProgramInfo = { id: 0, verified: 1, xlatedBytes: 2, jitedBytes: 3, maps: 4 } as const;
export const PROGRAM_INFO_WORDS = 5;

/** …and `bpfTestRun`. */
export const TestRun = { verdict: 0, bytes: 1, ns: 2 } as const;
export const TEST_RUN_WORDS = 3;

/** bpf(2), and libbpf for objects. Descriptors are closed by `fs.closeSync`; `host/bpf/` is what others use. */
export interface BpfNative {
  bpfProgramInfo(program: number, out: Uint32Array): void;
  /** Runs a program on a packet. @param flags BPF_F_TEST_XDP_LIVE_FRAMES: what it sends and passes on is real */
  bpfTestRun(
    program: number,
    packet: Uint8Array,
    out: Uint8Array,
    repeat: number,
    flags: number,
    results: Uint32Array,
  ): void;
  /** @param flags XDP_FLAGS_* @returns descriptor of a link: the program stays until it is closed */
  bpfLinkXdp(program: number, interfaceIndex: number, flags: number): number;
  /** Puts another program in the place of a link's, between two packets. */
  bpfLinkUpdate(link: number, program: number): void;
  /** A map that no object has. @param name of at most 15 bytes @param type BPF_MAP_TYPE_* @returns its descriptor */
  bpfMapCreate(name: string, type: number, keyBytes: number, valueBytes: number, most: number, flags: number): number;
  bpfPin(descriptor: number, path: string): void;
  /** @returns descriptor of what is pinned there */
  bpfPinned(path: string): number;

  /** Takes the descriptor. @param cpus that this machine may have */
  bpfMapOpen(descriptor: number, cpus: number): BpfMapHandle;
  bpfMapInfo(map: BpfMapHandle, out: Uint32Array): void;
  /** @param flags 0, or BPF_NOEXIST 1, BPF_EXIST 2 */
  bpfMapUpdate(map: BpfMapHandle, key: Uint8Array, value: Uint8Array, flags: number): void;
  bpfMapLookup(map: BpfMapHandle, key: Uint8Array, value: Uint8Array): boolean;
  /** @returns whether there was one */
  bpfMapDelete(map: BpfMapHandle, key: Uint8Array): boolean;
  bpfMapUpdateBatch(map: BpfMapHandle, keys: Uint8Array, values: Uint8Array, count: number): number;
  bpfMapDeleteBatch(map: BpfMapHandle, keys: Uint8Array, count: number): number;
  /** @param cursor 64 bytes, kept between calls @returns how many were read; below 0: one less, and they were the last */
  bpfMapRead(
    map: BpfMapHandle,
    keys: Uint8Array,
    values: Uint8Array,
    cursor: Uint8Array,
    count: number,
    isFirst: boolean,
  ): number;
  bpfMapDescriptor(map: BpfMapHandle): number;
  /** Of an array with BPF_F_MMAPABLE: what is written there programs see at once. */
  bpfMapMemory(map: BpfMapHandle): ArrayBuffer;
  /**
   * Of a ring. @param isConsumer the page that says how far it was read; else the page that says how far it was written, and
   * the data twice. These cannot be written: who tries ends the process.
   */
  bpfMapRing(map: BpfMapHandle, isConsumer: boolean): ArrayBuffer;
  bpfMapClose(map: BpfMapHandle): void;

  bpfObjectOpen(bytes: Uint8Array, name: string): BpfObjectHandle;
  bpfObjectMapSize(object: BpfObjectHandle, map: string, most: number): void;
  bpfObjectMapValue(object: BpfObjectHandle, map: string, bytes: Uint8Array): void;
  bpfObjectMapReuse(object: BpfObjectHandle, map: string, descriptor: number): void;
  bpfObjectProgramLoad(object: BpfObjectHandle, program: string, loads: boolean): void;
  bpfObjectLoad(object: BpfObjectHandle): void;
  /** @returns a descriptor of its own, which stays when the object is closed */
  bpfObjectMap(object: BpfObjectHandle, map: string): number;
  bpfObjectProgram(object: BpfObjectHandle, program: string): number;
  bpfObjectClose(object: BpfObjectHandle): void;
}
