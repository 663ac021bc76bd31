/**
 * Kinds of segmentation that a TUN with virtio headers hands over or takes (virtio 1.2 §5.1.6.1): one large packet
 * stands for many of the same flow.
 */
export const GsoType = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const;
export type GsoType = (typeof GsoType)[keyof typeof GsoType];

/** virtio header flag: the checksum field holds the pseudo-header's sum only, the rest is to be added. */
export const NEEDS_CHECKSUM = 1;

/** Words of a message: 0 first piece, 1 last piece, 2 flags, 3 GSO type, 4 header bytes, 5 GSO size, 6 checksum start, 7 checksum offset. */
export const MESSAGE_WORDS = 8;
/** Words of a piece: 0 offset, 1 length, 2 next piece of the same message or -1. */
export const PIECE_WORDS = 3;
export const NO_PIECE = -1;

/**
 * Packets on their way into a TUN, gathered from where they lie in one buffer: each message is a chain of pieces, so that
 * segments of one flow become one large packet without being copied together.
 */
export class GatherBatch {
  readonly messages: Int32Array;
  readonly pieces: Int32Array;
  readonly capacity: number;
  messageCount = 0;
  pieceCount = 0;

  /** @param capacity packets it takes, as messages or as pieces of messages */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.messages = new Int32Array(capacity * MESSAGE_WORDS);
    this.pieces = new Int32Array(capacity * PIECE_WORDS);
  }

  clear(): void {
    this.messageCount = 0;
    this.pieceCount = 0;
  }

  get isFull(): boolean {
    return this.pieceCount === this.capacity;
  }

  /** A message of one piece, without offload. @returns its index */
  addMessage(offset: number, length: number): number {
    const piece = this.#addPiece(offset, length);
    const index = this.messageCount++;
    const at = index * MESSAGE_WORDS;
    this.messages.fill(0, at, at + MESSAGE_WORDS);
    this.messages[at] = piece;
    this.messages[at + 1] = piece;
    return index;
  }

  /** One more piece at the end of a message. */
  extend(message: number, offset: number, length: number): void {
    const piece = this.#addPiece(offset, length);
    const at = message * MESSAGE_WORDS;
    this.pieces[(this.messages[at + 1] as number) * PIECE_WORDS + 2] = piece;
    this.messages[at + 1] = piece;
  }

  #addPiece(offset: number, length: number): number {
    const index = this.pieceCount++;
    const at = index * PIECE_WORDS;
    this.pieces[at] = offset;
    this.pieces[at + 1] = length;
    this.pieces[at + 2] = NO_PIECE;
    return index;
  }
}
