import { QpackDecoder } from '../decoder.ts';
import { QpackEncoder } from '../encoder.ts';
import type { Fields } from '../field.ts';
import { BLOCKED, DEFAULT_FIELD_LIMITS } from '../section-decoder.ts';
import { fieldSectionBound } from '../section-encoder.ts';

export interface EndsOptions {
  /** SETTINGS_QPACK_MAX_TABLE_CAPACITY of the decoder. */
  readonly allowed: number;
  /** What the encoder uses at most. */
  readonly used: number;
  readonly blockedStreams: number;
  /** How many streams the encoder would let wait. */
  readonly risked: number;
}

export const ENDS: EndsOptions = { allowed: 4096, used: 4096, blockedStreams: 16, risked: 16 };

/** Bytes of a stream on their way: in order, in pieces of any size. */
class Pipe {
  #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  add(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  take(count: number): Uint8Array {
    return Uint8Array.from(this.#bytes.splice(0, count));
  }
}

/** An encoder and a decoder with three kinds of stream between them, each delivered when a test says so. */
export class TwoEnds {
  readonly encoder: QpackEncoder;
  readonly decoder: QpackDecoder;
  readonly instructions = new Pipe();
  readonly acknowledgments = new Pipe();
  /** Sections on their way, by stream. */
  readonly sections = new Map<number, Uint8Array[]>();
  /** What was decoded, by stream. */
  readonly decoded = new Map<number, Fields[]>();
  readonly blocked = new Set<number>();
  /** Bytes so far, of sections and of encoder instructions. */
  readonly bytes = { sections: 0, instructions: 0 };
  mostBlocked = 0;

  constructor(options: Partial<EndsOptions> = {}) {
    const { allowed, used, blockedStreams, risked } = { ...ENDS, ...options };
    this.decoder = new QpackDecoder({
      limits: { ...DEFAULT_FIELD_LIMITS, sectionBytes: 1 << 20, nameBytes: 8192 },
      tableCapacity: allowed,
      blockedStreams,
      send: (bytes) => this.acknowledgments.add(bytes),
    });
    this.encoder = new QpackEncoder({
      tableCapacity: used,
      blockedStreams: risked,
      output: {
        send: (bytes) => {
          this.bytes.instructions += bytes.length;
          this.instructions.add(bytes);
        },
        waiting: () => 0,
      },
    });
    this.encoder.start(allowed, blockedStreams);
  }

  send(stream: number, fields: Fields): Uint8Array {
    const out = new Uint8Array(fieldSectionBound(fields));
    const section = out.subarray(0, this.encoder.encode(stream, fields, out, 0));
    this.bytes.sections += section.length;
    const queue = this.sections.get(stream) ?? [];
    this.sections.set(stream, queue);
    queue.push(section);
    return section;
  }

  /** Delivers the next section of a stream, unless the stream waits. */
  deliverSection(stream: number): void {
    const section = this.blocked.has(stream) ? undefined : this.sections.get(stream)?.[0];
    if (section === undefined) return;
    const fields = this.decoder.decode(stream, section, 0, section.length);
    if (fields === undefined) throw new Error('too large');
    if (fields === BLOCKED) {
      this.blocked.add(stream);
      this.mostBlocked = Math.max(this.mostBlocked, this.blocked.size);
      return;
    }
    this.sections.get(stream)?.shift();
    this.decoded.set(stream, [...(this.decoded.get(stream) ?? []), fields]);
  }

  deliverInstructions(count: number): void {
    const bytes = this.instructions.take(count);
    this.decoder.receiveInstructions(bytes, 0, bytes.length);
    for (const stream of this.decoder.unblocked()) {
      this.blocked.delete(stream);
      this.deliverSection(stream);
    }
    this.decoder.acknowledgeInserts();
  }

  deliverAcknowledgments(count: number): void {
    const bytes = this.acknowledgments.take(count);
    this.encoder.acknowledgments.push(bytes, 0, bytes.length);
  }

  /** The decoder gives the stream up. */
  cancel(stream: number): void {
    this.sections.delete(stream);
    this.blocked.delete(stream);
    this.decoder.cancelStream(stream);
  }

  /** Delivers all there is. */
  settle(): void {
    this.deliverInstructions(this.instructions.length);
    for (const [stream, queue] of this.sections) while (queue.length > 0) this.deliverSection(stream);
    this.deliverAcknowledgments(this.acknowledgments.length);
  }
}
