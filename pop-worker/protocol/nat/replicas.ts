import { FLOW_BYTES, type Section, SectionFlag, type SectionHead, SectionWriter } from './wire.ts';

/** Sessions of one device that are kept at most; as many as a worker lets it have. */
const MOST_FLOWS = 16_384;
const DEFAULT_MOST_BYTES = 1 << 28;
/** What a device costs besides its sessions: its name, its block, a place among all. */
const DEVICE_BYTES = 256;

interface Replica {
  head: SectionHead;
  bytes: Uint8Array;
  count: number;
  /** When nobody had the device any more; undefined: somebody has. */
  goneAt: number | undefined;
}

/** Where the session begins that has the same ends, or -1. What tells them apart: all but the state. */
const indexOf = ({ bytes, count }: Replica, from: Uint8Array, at: number, entryBytes: number): number => {
  for (let i = 0; i < count * entryBytes; i += entryBytes) {
    let same = bytes[i] === from[at];
    for (let k = 2; same && k < entryBytes; k++) same = bytes[i + k] === from[at + k];
    if (same) return i;
  }
  return -1;
};

/** Sessions of devices, those of this worker and those that it keeps for others, by device. */
export class Replicas {
  readonly #devices = new Map<string, Replica>();
  readonly #mostBytes: number;
  readonly #entryBytes: number;
  /** Sessions altogether, the memory that they and their devices take, and what there was no room for. */
  flows = 0;
  bytes = 0;
  refused = 0;

  /** @param entryBytes of a session; its second byte is its state */
  constructor(mostBytes: number = DEFAULT_MOST_BYTES, entryBytes: number = FLOW_BYTES) {
    this.#mostBytes = mostBytes;
    this.#entryBytes = entryBytes;
  }

  get size(): number {
    return this.#devices.size;
  }

  has(key: string): boolean {
    return this.#devices.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#devices.keys();
  }

  /** What is told of a device. @param buffer that the section lies in */
  apply(section: Section, buffer: Uint8Array): void {
    const { key, address, port, ports } = section;
    let replica = this.#devices.get(key);
    const isOther = replica !== undefined && (replica.head.address !== address || replica.head.port !== port);
    // Sessions of another block are over: nothing of them can go on.
    if (replica !== undefined && (isOther || (section.flags & SectionFlag.first) !== 0)) this.#clear(replica);
    if (replica === undefined) {
      if (this.bytes + DEVICE_BYTES > this.#mostBytes) {
        this.refused += Math.max(1, section.count);
        return;
      }
      this.bytes += DEVICE_BYTES;
      replica = { head: { key, address, port, ports }, bytes: new Uint8Array(0), count: 0, goneAt: undefined };
      this.#devices.set(key, replica);
    } else if (isOther) replica.head = { key, address, port, ports };
    replica.goneAt = undefined;
    for (let i = 0; i < section.count; i++) this.#flow(replica, buffer, section.at + i * this.#entryBytes);
  }

  #flow(replica: Replica, buffer: Uint8Array, at: number): void {
    const state = buffer[at + 1] as number;
    const index = indexOf(replica, buffer, at, this.#entryBytes);
    if (index >= 0) {
      if (state > 0) replica.bytes[index + 1] = state;
      else {
        replica.count--;
        this.flows--;
        replica.bytes.copyWithin(index, replica.count * this.#entryBytes, (replica.count + 1) * this.#entryBytes);
      }
      return;
    }
    if (state === 0) return;
    const length = replica.count * this.#entryBytes;
    if (length === replica.bytes.length && !this.#grow(replica)) {
      this.refused++;
      return;
    }
    replica.bytes.set(buffer.subarray(at, at + this.#entryBytes), length);
    replica.count++;
    this.flows++;
  }

  #grow(replica: Replica): boolean {
    const { bytes } = replica;
    const longer = Math.max(4 * this.#entryBytes, 2 * bytes.length);
    if (longer > MOST_FLOWS * this.#entryBytes || this.bytes + longer - bytes.length > this.#mostBytes) return false;
    const grown = new Uint8Array(longer);
    grown.set(bytes);
    replica.bytes = grown;
    this.bytes += longer - bytes.length;
    return true;
  }

  #clear(replica: Replica): void {
    this.flows -= replica.count;
    this.bytes -= replica.bytes.length;
    replica.count = 0;
    replica.bytes = new Uint8Array(0);
  }

  forget(key: string): void {
    const replica = this.#devices.get(key);
    if (replica === undefined) return;
    this.#clear(replica);
    this.bytes -= DEVICE_BYTES;
    this.#devices.delete(key);
  }

  /** Nobody has the device any more, or somebody has it again. @param now of any clock */
  mark(key: string, isGone: boolean, now: number): void {
    const replica = this.#devices.get(key);
    if (replica !== undefined) replica.goneAt = isGone ? (replica.goneAt ?? now) : undefined;
  }

  /** Forgets whom nobody has had since then. */
  forgetGone(since: number): void {
    for (const [key, { goneAt }] of this.#devices) if (goneAt !== undefined && goneAt < since) this.forget(key);
  }

  /** All that is known of a device, in messages. @param send is lent each; none when nothing is known */
  tellAll(key: string, send: (message: Uint8Array) => void): void {
    const replica = this.#devices.get(key);
    if (replica === undefined) return;
    const writer = new SectionWriter(this.#entryBytes);
    writer.begin(replica.head, SectionFlag.first | (replica.count === 0 ? SectionFlag.last : 0));
    for (let i = 0; i < replica.count; i++) {
      if (writer.addBytes(replica.bytes, i * this.#entryBytes)) continue;
      send(writer.take());
      writer.begin(replica.head, 0);
      writer.addBytes(replica.bytes, i * this.#entryBytes);
    }
    if (replica.count > 0 && !writer.begin(replica.head, SectionFlag.last)) {
      send(writer.take());
      writer.begin(replica.head, SectionFlag.last);
    }
    send(writer.take());
  }
}
