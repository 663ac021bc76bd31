/** What is kept of a stream while one of its field sections waits for entries (RFC 9204 §2.2.1). */
export class HeldStream {
  /** The section that waits. */
  readonly section: Uint8Array;
  /** What came behind it. */
  readonly pieces: Uint8Array[] = [];
  /** The stream ends behind them. */
  fin = false;
  /** Flow-control credit for what was read with the section, kept back until that is decoded. */
  owed = 0;
  #bytes: number;

  constructor(section: Uint8Array) {
    this.section = section;
    this.#bytes = section.length;
  }

  /** Of the section and all pieces. */
  get bytes(): number {
    return this.#bytes;
  }

  add(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.#bytes += piece.length;
  }
}
