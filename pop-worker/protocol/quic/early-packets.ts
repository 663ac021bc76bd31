/** Packets that came before the keys to open them, bounded in number and bytes (RFC 9000 §5.7, RFC 9001 §5.7). */
export class EarlyPackets {
  readonly #maxPackets: number;
  readonly #maxBytes: number;
  #packets: { readonly level: number; readonly ecn: number; readonly bytes: Uint8Array }[] = [];
  #bytes = 0;

  constructor(maxPackets: number, maxBytes: number) {
    this.#maxPackets = maxPackets;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#packets.length;
  }

  /** Copies buffer[start, end). @returns `false` when there is no room */
  push(level: number, ecn: number, buffer: Uint8Array, start: number, end: number): boolean {
    if (this.#packets.length >= this.#maxPackets || this.#bytes + end - start > this.#maxBytes) return false;
    this.#packets.push({ level, ecn, bytes: buffer.slice(start, end) });
    this.#bytes += end - start;
    return true;
  }

  /** The first one whose level is now readable or will never be; taken out. */
  take(ready: (level: number) => boolean): { level: number; ecn: number; bytes: Uint8Array } | undefined {
    const at = this.#packets.findIndex((packet) => ready(packet.level));
    if (at < 0) return undefined;
    const [packet] = this.#packets.splice(at, 1);
    this.#bytes -= packet?.bytes.length ?? 0;
    return packet;
  }
}
