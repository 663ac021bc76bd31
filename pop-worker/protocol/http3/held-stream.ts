import { KeptBytes } from '#protocol/quic/kept-bytes.ts';

/** What is kept of a stream while one of its field sections waits for entries (RFC 9204 §2.2.1). */
export class HeldStream {
  /** The section that waits. */
  readonly section: Uint8Array;
  /** What came behind it. */
  readonly behind: KeptBytes = new KeptBytes();
  /** The stream ends behind them. */
  fin = false;
  /** Flow-control credit for what was read with the section, kept back until that is decoded. */
  owed = 0;

  constructor(section: Uint8Array) {
    this.section = section;
  }

  /** Of the section and all behind it. */
  get bytes(): number {
    return this.section.length + this.behind.bytes;
  }
}
