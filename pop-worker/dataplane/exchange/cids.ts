import { createCipheriv, createDecipheriv } from 'node:crypto';

/** First octet, and one AES block. */
export const ROUTABLE_CID_BYTES = 17;
const BLOCK_BYTES = 16;
/** Of the block: worker, thread, nonce. */
const WORKER_BYTES = 7;
const NONCE_AT = 8;
/** Config rotation 0; the length that follows the octet, in the lower five bits. */
const FIRST_OCTET = BLOCK_BYTES;

export interface CidsSetup {
  /** 16 bytes that all threads of the worker share. */
  readonly key: Uint8Array;
  /** 7 bytes that stand for the worker. */
  readonly worker: Uint8Array;
}

/**
 * Connection IDs of which a worker's threads can tell whose they are, and nobody else can: draft-ietf-quic-load-balancers-21
 * §5.2 (single pass), with 7 bytes of worker and one of thread as server ID.
 */
export class RoutableCids {
  readonly #encrypt: ReturnType<typeof createCipheriv>;
  readonly #decrypt: ReturnType<typeof createDecipheriv>;
  readonly #worker: Uint8Array;
  readonly #thread: number;

  constructor({ key, worker }: CidsSetup, thread: number) {
    this.#encrypt = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    this.#decrypt = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    this.#worker = worker;
    this.#thread = thread;
  }

  /** Fills `cid` with one of this thread's. @param fill writes random bytes */
  fill(cid: Uint8Array, fill: (bytes: Uint8Array) => void): void {
    const block = new Uint8Array(BLOCK_BYTES);
    block.set(this.#worker);
    block[WORKER_BYTES] = this.#thread;
    fill(block.subarray(NONCE_AT));
    cid[0] = FIRST_OCTET;
    cid.set(this.#encrypt.update(block), 1);
  }

  /** @returns the thread that made the connection ID at `at`, or -1: it is none of this worker's */
  threadOf(buffer: Uint8Array, at: number, length: number): number {
    if (length !== ROUTABLE_CID_BYTES || buffer[at] !== FIRST_OCTET) return -1;
    const block = this.#decrypt.update(buffer.subarray(at + 1, at + ROUTABLE_CID_BYTES));
    for (let i = 0; i < WORKER_BYTES; i++) if (block[i] !== this.#worker[i]) return -1;
    return block[WORKER_BYTES] as number;
  }
}
