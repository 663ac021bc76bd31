import type { GatherBatch } from '#protocol/ip/offload.ts';
import { native } from '../native.ts';
import { Readiness } from '../poll/readiness.ts';
import type { TunBurst } from './burst.ts';
import { T_LENGTH, T_OFFSET, TUN_COUNTERS, TUN_WORDS, TunFlag, type TunHandle, TunOffload } from './native.ts';

export interface TunOptions {
  /** At most 15 bytes; `%d` in it is numbered by the kernel. An existing TUN of that name is joined. */
  readonly name: string;
  /** One of several queues of the device; every opener must say so. */
  readonly multiQueue?: boolean;
  /** Packets carry a virtio_net_hdr: checksums and segmentation may be left undone. */
  readonly vnetHeader?: boolean;
  /** With `vnetHeader`: bits of TunOffload wished for (default all); `offload` tells which the kernel has. */
  readonly offload?: number;
}

/** What happened on a TUN queue since it was opened. */
export type TunCounters = Record<(typeof TUN_COUNTERS)[number], number>;

export const ALL_TUN_OFFLOADS: number = Object.values(TunOffload).reduce((all, bit) => all | bit, 0);

/** One queue of a TUN device, which ends with its last queue. */
export class TunDevice {
  readonly name: string;
  /** Bits of TunOffload that are on. */
  readonly offload: number;
  readonly #handle: TunHandle;
  readonly #readiness = new Readiness(() => native.tunDescriptor(this.#handle));

  private constructor(handle: TunHandle) {
    this.#handle = handle;
    this.name = native.tunName(handle);
    this.offload = native.tunOffload(handle);
  }

  /** Opens in the calling thread's network namespace. @throws an Error with the errno's name as `code` */
  static open(options: TunOptions): TunDevice {
    const flags =
      (options.multiQueue === true ? TunFlag.multiQueue : 0) | (options.vnetHeader === true ? TunFlag.vnetHeader : 0);
    return new TunDevice(native.tunOpen(options.name, flags, options.offload ?? ALL_TUN_OFFLOADS));
  }

  /** Takes what waits, as far as `burst` has room. @returns how many packets were added */
  read(burst: TunBurst): number {
    const words = burst.words;
    const added = native.tunRead(this.#handle, burst.buffer, words, burst.count, burst.used);
    if (added === 0) return 0;
    burst.count += added;
    const last = (burst.count - 1) * TUN_WORDS;
    burst.used = (words[last + T_OFFSET] as number) + (words[last + T_LENGTH] as number);
    return added;
  }

  /**
   * Hands packets to the kernel from where their parts lie in `buffer`.
   *
   * @returns index of the first message not written, `batch.messageCount` when none is left
   */
  writeGather(buffer: Uint8Array, batch: GatherBatch, from = 0): number {
    return native.tunWriteGather(this.#handle, buffer, batch.messages, batch.pieces, from, batch.messageCount);
  }

  /** Hands packets to the kernel. @returns index of the first one not written, `burst.count` when none is left */
  write(burst: TunBurst, from = 0): number {
    return native.tunWrite(this.#handle, burst.buffer, burst.words, from, burst.count);
  }

  /** Calls `callback` whenever packets wait; undefined stops. Keeps the event loop alive. */
  onReadable(callback: (() => void) | undefined): void {
    this.#readiness.onReadable(callback);
  }

  /** Calls `callback` once, when the device takes packets again. */
  onceWritable(callback: () => void): void {
    this.#readiness.onceWritable(callback);
  }

  /** Calls `callback` once the device was removed by someone else. */
  onLost(callback: () => void): void {
    this.#readiness.onLost(callback);
  }

  get counters(): TunCounters {
    const values = new Float64Array(TUN_COUNTERS.length);
    native.tunCounters(this.#handle, values);
    return Object.fromEntries(TUN_COUNTERS.map((name, i) => [name, values[i]])) as TunCounters;
  }

  /** May be called twice, and inside a callback; no callback comes afterwards. */
  close(): void {
    if (this.#readiness.close()) native.tunClose(this.#handle);
  }
}
