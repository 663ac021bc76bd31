import { native } from '../native.ts';
import { BpfMap } from './map.ts';
import type { BpfObjectHandle } from './native.ts';
import { BpfProgram } from './program.ts';

/** How an object is made ready for the kernel. */
export interface LoadOptions {
  /** Constants of its programs: the whole section. */
  readonly constants?: Uint8Array;
  /** Elements at most, by map. */
  readonly most?: Readonly<Record<string, number>>;
  /** Maps that are there already, in place of new ones. */
  readonly maps?: Readonly<Record<string, BpfMap>>;
  /** Programs that are not loaded. */
  readonly without?: readonly string[];
}

/** Programs and maps of an object file, in the kernel. */
export class BpfObject {
  readonly #handle: BpfObjectHandle;

  private constructor(handle: BpfObjectHandle) {
    this.#handle = handle;
  }

  /**
   * @param file bytes of an ELF object for BPF
   * @param name what its constants are called by
   * @throws ERR_NO_LIBBPF without libbpf; ERR_BPF with what libbpf and the verifier said
   */
  static load(file: Uint8Array, name: string, options: LoadOptions = {}): BpfObject {
    const { constants, most = {}, maps = {}, without = [] } = options;
    const object = new BpfObject(native.bpfObjectOpen(file, name));
    try {
      if (constants) native.bpfObjectMapValue(object.#handle, '.rodata', constants);
      for (const [map, count] of Object.entries(most)) native.bpfObjectMapSize(object.#handle, map, count);
      for (const [map, { descriptor }] of Object.entries(maps))
        native.bpfObjectMapReuse(object.#handle, map, descriptor);
      for (const program of without) native.bpfObjectProgramLoad(object.#handle, program, false);
      native.bpfObjectLoad(object.#handle);
      return object;
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** To be closed by who asks for it. */
  map(name: string): BpfMap {
    return new BpfMap(native.bpfObjectMap(this.#handle, name));
  }

  /** To be closed by who asks for it. */
  program(name: string): BpfProgram {
    return new BpfProgram(native.bpfObjectProgram(this.#handle, name));
  }

  /** What was asked of it stays. */
  close(): void {
    native.bpfObjectClose(this.#handle);
  }
}
