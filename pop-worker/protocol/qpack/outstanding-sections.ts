/** A section that refers to the dynamic table and that the peer has not acknowledged (RFC 9204 §2.1.1). */
interface Section {
  readonly stream: number;
  /** Its Required Insert Count. */
  readonly required: number;
  /** The smallest absolute index that it refers to. */
  readonly oldest: number;
}

/**
 * The sections on their way, in the order in which they were sent. As entries are evicted oldest first, the smallest
 * index of all that are referred to says which ones may go; there is no need to count references.
 */
export class OutstandingSections {
  readonly #sections: Section[] = [];

  get size(): number {
    return this.#sections.length;
  }

  add(stream: number, required: number, oldest: number): void {
    this.#sections.push({ stream, required, oldest });
  }

  /** Removes the first one of a stream. @returns its Required Insert Count, -1 when there is none */
  acknowledge(stream: number): number {
    const index = this.#sections.findIndex((section) => section.stream === stream);
    return index < 0 ? -1 : (this.#sections.splice(index, 1)[0] as Section).required;
  }

  /** Removes those of a stream. */
  cancel(stream: number): void {
    for (let i = this.#sections.length - 1; i >= 0; i--) {
      if ((this.#sections[i] as Section).stream === stream) this.#sections.splice(i, 1);
    }
  }

  /** The smallest absolute index that is referred to, Infinity when none is. */
  get oldest(): number {
    return this.#sections.reduce((oldest, section) => Math.min(oldest, section.oldest), Number.POSITIVE_INFINITY);
  }

  /**
   * Whether one more section of the stream may need entries that the peer has not acknowledged (RFC 9204 §2.1.2).
   *
   * @param knownReceived what was acknowledged
   * @param limit how many streams may be blocked
   */
  mayBlock(stream: number, knownReceived: number, limit: number): boolean {
    const streams = new Set<number>();
    for (const section of this.#sections) if (section.required > knownReceived) streams.add(section.stream);
    return streams.has(stream) ? streams.size <= limit : streams.size < limit;
  }
}
