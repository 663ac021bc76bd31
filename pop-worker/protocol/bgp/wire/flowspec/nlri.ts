import { u32At } from '../bytes.ts';
import { NO_PATH_ID } from '../nlri.ts';
import { fieldEnd } from './field.ts';
import { prefixEnd } from './prefix.ts';
import { componentType } from './types.ts';

/** Lengths from here on take two bytes (RFC 8955 §4.1). */
export const LONG_FROM = 0xf0;

const NOTHING = new Uint8Array(0);

/** Reads flow specifications in place. Reused: `next` overwrites all of it. */
export class FlowCursor {
  /** Where the components are: what is compared, and kept. */
  start = 0;
  end = 0;
  pathId: number = NO_PATH_ID;
  /** The field ended within a flow specification. */
  isCut = false;
  #buffer: Uint8Array = NOTHING;
  #at = 0;
  #limit = 0;
  #hasPathIds = false;

  reset(buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): this {
    this.#buffer = buffer;
    this.#at = start;
    this.#limit = end;
    this.#hasPathIds = hasPathIds;
    this.pathId = NO_PATH_ID;
    this.isCut = false;
    return this;
  }

  /** @returns whether there was one more */
  next(): boolean {
    let at = this.#at;
    const limit = this.#limit;
    if (at >= limit) return false;
    const buffer = this.#buffer;
    if (this.#hasPathIds) {
      if (limit - at < 5) return this.#cut();
      this.pathId = u32At(buffer, at);
      at += 4;
    }
    let length = buffer[at++] as number;
    if (length >= LONG_FROM) {
      if (at >= limit) return this.#cut();
      length = ((length & 0x0f) << 8) | (buffer[at++] as number);
    }
    if (length > limit - at) return this.#cut();
    this.start = at;
    this.end = at + length;
    this.#at = this.end;
    return true;
  }

  #cut(): false {
    this.isCut = true;
    return false;
  }
}

const cursor = new FlowCursor();

/** Whether a field holds whole flow specifications, whatever is in them (RFC 8955 §4.1, RFC 7606 §5.3). */
export const areFramed = (buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): boolean => {
  cursor.reset(buffer, start, end, hasPathIds);
  while (cursor.next());
  return !cursor.isCut;
};

/**
 * Whether all flow specifications of a field are well formed.
 *
 * @param bits of an address of the family: 32 or 128
 */
export const areFlowSpecs = (
  buffer: Uint8Array,
  start: number,
  end: number,
  bits: number,
  hasPathIds: boolean,
): boolean => {
  cursor.reset(buffer, start, end, hasPathIds);
  while (cursor.next()) if (!isFlowSpec(buffer, cursor.start, cursor.end, bits)) return false;
  return !cursor.isCut;
};

/** RFC 8955 §4.2: at least one component, of types that are known, each higher than the one before it. */
const isFlowSpec = (buffer: Uint8Array, start: number, end: number, bits: number): boolean => {
  let at = start;
  let last = 0;
  while (at < end) {
    const type = buffer[at] as number;
    const next = type > last ? componentEnd(buffer, at, end, bits) : 0;
    if (next === 0) return false;
    last = type;
    at = next;
  }
  return start < end;
};

/** @returns the end of the component at `at`; 0 when it is malformed, or of no type of the family */
const componentEnd = (buffer: Uint8Array, at: number, end: number, bits: number): number => {
  const type = componentType(buffer[at] as number, bits);
  if (type === undefined) return 0;
  return type.kind === 'prefix' ? prefixEnd(buffer, at, end, bits) : fieldEnd(buffer, at, end, type);
};

/**
 * The end of the component at `at`, of a flow specification that `areFlowSpecs` has passed.
 *
 * @throws RangeError when it has not: nobody may go round in circles for it
 */
export const nextComponent = (buffer: Uint8Array, at: number, end: number, bits: number): number => {
  const next = componentEnd(buffer, at, end, bits);
  if (next === 0) throw new RangeError(`component ${buffer[at]} of a flow specification is malformed`);
  return next;
};
