import type { FlowFields } from './told-session.ts';

/** Bytes of one message at most: what a frame of the mesh carries. */
export const MOST_MESSAGE_BYTES = 8192;
export const FLOW_BYTES = 16;
const MOST_KEY_BYTES = 127;
/** Behind the key: address (4), first port (2), ports (2), flags (1), count (2). */
const HEAD_BYTES = 11;

/** Whose sessions a section is about, and which block of ports they use. */
export interface SectionHead {
  /** The device within the fleet: printable ASCII without blanks. */
  readonly key: string;
  /** Outside address, as a number. */
  readonly address: number;
  readonly port: number;
  readonly ports: number;
}

export const SectionFlag = {
  /** It begins all that there are, in place of what was known. */
  first: 1,
  /** All has been told. */
  last: 2,
} as const;

const u16 = (buffer: Uint8Array, at: number): number => ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
const u32 = (buffer: Uint8Array, at: number): number => u16(buffer, at) * 0x1_0000 + u16(buffer, at + 2);
const put16 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
};
const put32 = (buffer: Uint8Array, at: number, value: number): void => {
  put16(buffer, at, value >>> 16);
  put16(buffer, at + 2, value & 0xffff);
};

export const writeFlow = (buffer: Uint8Array, at: number, flow: FlowFields): void => {
  buffer[at] = flow.protocol;
  buffer[at + 1] = flow.state;
  put32(buffer, at + 2, flow.innerAddress);
  put16(buffer, at + 6, flow.innerPort);
  put16(buffer, at + 8, flow.outerPort);
  put32(buffer, at + 10, flow.remoteAddress);
  put16(buffer, at + 14, flow.remotePort);
};

export const readFlow = (buffer: Uint8Array, at: number, flow: FlowFields): void => {
  flow.protocol = buffer[at] as number;
  flow.state = buffer[at + 1] as number;
  flow.innerAddress = u32(buffer, at + 2);
  flow.innerPort = u16(buffer, at + 6);
  flow.outerPort = u16(buffer, at + 8);
  flow.remoteAddress = u32(buffer, at + 10);
  flow.remotePort = u16(buffer, at + 14);
};

/** Gathers sections with their sessions, or what else devices have (`pairs.ts`), in one message. */
export class SectionWriter {
  readonly #buffer = new Uint8Array(MOST_MESSAGE_BYTES);
  readonly #entryBytes: number;
  #length = 0;
  /** Where the count of the section that is open lies, and whose it is. */
  #countAt = 0;
  #key = '';

  /** @param entryBytes of a session */
  constructor(entryBytes: number = FLOW_BYTES) {
    this.#entryBytes = entryBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Begins a section, also an empty one. @returns false when there is no room for it and a session */
  begin(head: SectionHead, flags: number): boolean {
    const { key, address, port, ports } = head;
    if (this.#length + 1 + key.length + HEAD_BYTES + this.#entryBytes > MOST_MESSAGE_BYTES) return false;
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = key.length;
    for (let i = 0; i < key.length; i++) buffer[at++] = key.charCodeAt(i);
    put32(buffer, at, address);
    put16(buffer, at + 4, port);
    put16(buffer, at + 6, ports);
    buffer[at + 8] = flags;
    put16(buffer, at + 9, 0);
    this.#countAt = at + 9;
    this.#length = at + HEAD_BYTES;
    this.#key = flags === 0 ? key : '';
    return true;
  }

  /** Adds room for a session to the section that is open. @returns where it is to be written, -1: there is none */
  #next(): number {
    const at = this.#length;
    if (at + this.#entryBytes > MOST_MESSAGE_BYTES) return -1;
    put16(this.#buffer, this.#countAt, u16(this.#buffer, this.#countAt) + 1);
    this.#length = at + this.#entryBytes;
    return at;
  }

  /** A session as its bytes are, of the section that is open. @returns false when there is no room */
  addBytes(bytes: Uint8Array, from: number): boolean {
    const at = this.#next();
    if (at < 0) return false;
    this.#buffer.set(bytes.subarray(from, from + this.#entryBytes), at);
    return true;
  }

  /** As `add`, of a session as its bytes are. */
  addTo(head: SectionHead, bytes: Uint8Array): boolean {
    return (head.key === this.#key || this.begin(head, 0)) && this.addBytes(bytes, 0);
  }

  /** A change of a session of somebody's: his section goes on, or a new one begins. @returns false when there is no room */
  add(head: SectionHead, flow: FlowFields): boolean {
    if (head.key !== this.#key && !this.begin(head, 0)) return false;
    const at = this.#next();
    if (at < 0) return false;
    writeFlow(this.#buffer, at, flow);
    return true;
  }

  /** What was gathered, lent until more is; empty from then on. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    this.#key = '';
    return bytes;
  }
}

/** A section of a message. */
export interface Section extends SectionHead {
  readonly flags: number;
  /** Its sessions are `count` times their bytes from here. */
  readonly at: number;
  readonly count: number;
}

/** @param take is called for each section @param entryBytes of a session @returns false when the bytes are no message; what was before that was taken */
export const readSections = (
  buffer: Uint8Array,
  start: number,
  end: number,
  take: (section: Section) => void,
  entryBytes: number = FLOW_BYTES,
): boolean => {
  for (let at = start; at < end; ) {
    const keyBytes = buffer[at] as number;
    const head = at + 1 + keyBytes;
    if (keyBytes === 0 || keyBytes > MOST_KEY_BYTES || head + HEAD_BYTES > end) return false;
    const name = buffer.subarray(at + 1, head);
    if (!name.every((byte) => byte > 0x20 && byte < 0x7f)) return false;
    const count = u16(buffer, head + 9);
    const flows = head + HEAD_BYTES;
    if (flows + count * entryBytes > end) return false;
    take({
      key: String.fromCharCode(...name),
      address: u32(buffer, head),
      port: u16(buffer, head + 4),
      ports: u16(buffer, head + 6),
      flags: buffer[head + 8] as number,
      at: flows,
      count,
    });
    at = flows + count * entryBytes;
  }
  return true;
};
