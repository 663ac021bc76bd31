import { opensslBlockCipher } from '#host/tls/block-cipher.ts';
import type { Random } from '#protocol/contract.ts';
import { cidBytesOf, type QuicLbConfig } from '#protocol/quic-lb/config.ts';
import { Configurations, fillUnroutable } from '#protocol/quic-lb/configurations.ts';
import { Nonces } from '#protocol/quic-lb/nonces.ts';
import { SERVER_ID_BYTES, WORKER_BYTES, workerNumberOf } from '#protocol/quic-lb/server-id.ts';

/** How connection IDs of workers are cut: 16 bytes behind the first octet, which is one pass of AES. */
const LAYOUT = { serverIdBytes: SERVER_ID_BYTES, nonceBytes: 8, encodesLength: true } as const;
export const ROUTABLE_CID_BYTES = cidBytesOf({ ...LAYOUT, id: 0, key: undefined });
const NONCE_AT = 1 + SERVER_ID_BYTES;

/** One key of connection IDs, and the rotation bits that name it. */
export interface CidKey {
  /** 0 to 6. */
  readonly id: number;
  /** 16 bytes that all workers share. */
  readonly key: Uint8Array;
}

export interface CidsSetup {
  /** The one that new connection IDs are made by first; all are read. */
  readonly keys: readonly CidKey[];
  /** 7 bytes that stand for the worker (`numberedWorker` where it has a number). */
  readonly worker: Uint8Array;
  /** Never the same for two processes of a worker, 1 to 2^32-1. */
  readonly epoch: number;
}

const configOf = ({ id, key }: CidKey): QuicLbConfig => ({ ...LAYOUT, id, key });

/** What a connection ID that was not made by this worker is. */
export const NOBODY = -1;

/**
 * Connection IDs of which workers and their threads can tell whose they are, and nobody else can:
 * draft-ietf-quic-load-balancers-21, with 7 bytes of worker and one of thread as server ID.
 */
export class RoutableCids {
  readonly #worker: Uint8Array;
  readonly #thread: number;
  readonly #epoch: number;
  readonly #random: Random;
  #configurations: Configurations;
  #keys: readonly CidKey[];
  #nonces: Nonces;
  readonly #serverId = new Uint8Array(96);
  /** Connection IDs that could not be made routable: the nonces of the key were all used. */
  exhausted = 0;

  constructor({ keys, worker, epoch }: CidsSetup, thread: number, random: Random) {
    this.#worker = worker;
    this.#thread = thread;
    this.#epoch = epoch;
    this.#random = random;
    this.#keys = keys;
    this.#configurations = new Configurations(keys.map(configOf), opensslBlockCipher);
    this.#nonces = this.#freshNonces();
  }

  /** Nonces are encrypted, so they need no pad. */
  #freshNonces(): Nonces {
    return new Nonces(LAYOUT.nonceBytes, this.#epoch, new Uint8Array(LAYOUT.nonceBytes));
  }

  /**
   * Makes new ones by the first of these keys from now on.
   *
   * @returns whether that is another key than before
   * @throws RangeError: one sentence, and nothing changes
   */
  rotate(keys: readonly CidKey[]): boolean {
    // The count goes on: a key that comes back has no nonce again either.
    this.#configurations = new Configurations(keys.map(configOf), opensslBlockCipher);
    const [before, now] = [this.#keys[0] as CidKey, keys[0] as CidKey];
    this.#keys = keys;
    return before.id !== now.id || before.key.some((byte, i) => byte !== now.key[i]);
  }

  /** What becomes of connection IDs with these rotation bits. @param id 0 to 6 */
  useOf(id: number): 'makes' | 'reads' | 'none' {
    const at = this.#keys.findIndex((key) => key.id === id);
    return at < 0 ? 'none' : at === 0 ? 'makes' : 'reads';
  }

  /** Share of the nonces that this process may use, 0 to 1: at 1 a rotation is due. */
  get noncesUsed(): number {
    return this.#nonces.used / this.#nonces.most;
  }

  /** Fills `cid` with one of this thread's. */
  fill(cid: Uint8Array): void {
    cid.set(this.#worker, 1);
    cid[1 + WORKER_BYTES] = this.#thread;
    if (this.#nonces.next(cid, NONCE_AT)) this.#configurations.active.seal(cid, 0, 0);
    else {
      this.exhausted++;
      fillUnroutable(cid, (bytes) => this.#random.fill(bytes));
    }
  }

  /**
   * Reads whose connection ID lies at `at`; `thread` and `workerNumber` tell then.
   *
   * @returns false: nobody's
   */
  read(buffer: Uint8Array, at: number, length: number): boolean {
    return length === ROUTABLE_CID_BYTES && this.#configurations.serverIdOf(buffer, at, length, this.#serverId);
  }

  /** Of what was read last: whether it is this worker's. */
  get isOwn(): boolean {
    for (let i = 0; i < WORKER_BYTES; i++) if (this.#serverId[i] !== this.#worker[i]) return false;
    return true;
  }

  /** Of what was read last. */
  get thread(): number {
    return this.#serverId[WORKER_BYTES] as number;
  }

  /** Of what was read last: the number of its worker, -1 when it has none. */
  get workerNumber(): number {
    return workerNumberOf(this.#serverId);
  }

  /** @returns the thread of this worker that made the connection ID at `at`, `NOBODY`: it is none of this worker's */
  threadOf(buffer: Uint8Array, at: number, length: number): number {
    return this.read(buffer, at, length) && this.isOwn ? this.thread : NOBODY;
  }
}
