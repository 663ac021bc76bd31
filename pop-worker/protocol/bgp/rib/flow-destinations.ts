import type { HashKey } from '../../keyed-hash.ts';
import { copyBytes } from '../wire/bytes.ts';
import { MAX_FLOW_SPEC_BYTES } from '../wire/flowspec/codec.ts';
import { FlowCursor } from '../wire/flowspec/nlri.ts';
import type { UpdateWriter } from '../wire/update-writer.ts';
import type { Destinations } from './destinations.ts';
import { InternedBytes } from './interned-bytes.ts';

/** Flow specifications of one family: their components as they came, which are what tells two apart (RFC 8955 §5). */
export class FlowDestinations implements Destinations {
  readonly #specs: InternedBytes;
  readonly #cursor = new FlowCursor();
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(key: HashKey) {
    this.#specs = new InternedBytes(key, MAX_FLOW_SPEC_BYTES);
  }

  get limit(): number {
    return this.#specs.capacity;
  }

  get capacity(): number {
    return this.#specs.capacity;
  }

  get size(): number {
    return this.#specs.size;
  }

  get memory(): number {
    return this.#specs.memory;
  }

  get pathId(): number {
    return this.#cursor.pathId;
  }

  read(buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): void {
    this.#buffer = buffer;
    this.#cursor.reset(buffer, start, end, hasPathIds);
  }

  next(): boolean {
    return this.#cursor.next();
  }

  intern(): number {
    return this.#intern(this.#buffer, this.#cursor.start, this.#cursor.end);
  }

  find(): number {
    return this.#find(this.#buffer, this.#cursor.start, this.#cursor.end);
  }

  /** @returns the id of a flow specification, of a new one when it was not here */
  internBytes(components: Uint8Array): number {
    return this.#intern(components, 0, components.length);
  }

  /** @returns the id of a flow specification, or -1 */
  findBytes(components: Uint8Array): number {
    return this.#find(components, 0, components.length);
  }

  has(id: number): boolean {
    return this.#specs.references(id) > 0;
  }

  delete(id: number): void {
    this.#specs.release(id);
  }

  addTo(writer: UpdateWriter, id: number, pathId: number): boolean {
    return writer.addFlowSpec(this.bytesOf(id), pathId);
  }

  /** Components of one; good until the next one comes or goes. */
  bytesOf(id: number): Uint8Array {
    const start = this.#specs.startOf(id);
    return this.#specs.bytesOf(id).subarray(start, start + this.#specs.lengthOf(id));
  }

  /** There is one reference to each, whoever announces it: columns of routes say who does. */
  #intern(buffer: Uint8Array, start: number, end: number): number {
    copyBytes(buffer, start, end, this.#specs.scratch, 0);
    const id = this.#specs.intern(end - start);
    if (!this.#specs.wasNew) this.#specs.release(id);
    return id;
  }

  #find(buffer: Uint8Array, start: number, end: number): number {
    copyBytes(buffer, start, end, this.#specs.scratch, 0);
    const id = this.#specs.intern(end - start);
    const isKnown = !this.#specs.wasNew;
    this.#specs.release(id);
    return isKnown ? id : -1;
  }
}
