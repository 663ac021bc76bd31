declare const kind: unique symbol;
export type TunHandle = { readonly [kind]: 'tun' };

/** Bits of `tunOpen`'s flags; `native/tun.h` has the same. */
export const TunFlag = { multiQueue: 1, vnetHeader: 2 } as const;

/** TUNSETOFFLOAD bits (linux/if_tun.h): what the kernel may hand over undone. */
export const TunOffload = { checksum: 1, tso4: 2, tso6: 4, tsoEcn: 8, uso4: 0x20, uso6: 0x40 } as const;

/** Words of one packet's descriptor; the last six are the virtio_net_hdr, zero without one. */
export const TUN_WORDS = 8;
export const T_OFFSET = 0;
export const T_LENGTH = 1;
export const T_FLAGS = 2;
export const T_GSO_TYPE = 3;
// Word 4 is hdr_len.
export const T_GSO_SIZE = 5;
export const T_CSUM_START = 6;
export const T_CSUM_OFFSET = 7;

/** virtio_net_hdr.gso_type; `ecn` is a bit on top of the others. */
export const VnetGso = { none: 0, tcp4: 1, tcp6: 4, udp: 5, ecn: 0x80 } as const;

/** Bytes that must be free for one more packet to be read: the largest that a TUN hands over. */
export const TUN_SLOT_BYTES = 65_536;

/** Where each counter lies in what `tunCounters` fills; `native/tun.h` has the same order. */
export const TUN_COUNTERS = [
  'readPackets',
  'readBytes',
  'readErrors',
  'writtenPackets',
  'writtenBytes',
  'wouldBlock',
  'invalid',
  'noBuffers',
  'down',
  'otherErrors',
] as const;

/** TUN devices; `host/tun/device.ts` is what others use. */
export interface TunNative {
  /**
   * Creates or joins the device in the calling thread's network namespace.
   *
   * @param name at most 15 bytes; may hold `%d`, which the kernel numbers
   * @param flags bits of TunFlag
   * @param offload bits of TunOffload wished for (with vnetHeader); those that the kernel lacks are left out
   */
  tunOpen(name: string, flags: number, offload: number): TunHandle;
  tunName(tun: TunHandle): string;
  /** Bits of TunOffload that are on. */
  tunOffload(tun: TunHandle): number;
  tunDescriptor(tun: TunHandle): number;
  tunCounters(tun: TunHandle, into: Float64Array): void;
  /** Appends descriptors from `count` on, bytes from `used` on; @returns how many packets were added */
  tunRead(tun: TunHandle, buffer: Uint8Array, words: Int32Array, count: number, used: number): number;
  /** Writes packets `from` to `count - 1`; @returns index of the first one not written, `count` when all are done */
  tunWrite(tun: TunHandle, buffer: Uint8Array, words: Int32Array, from: number, count: number): number;
  /**
   * Writes messages `from` to `count - 1`, each gathered from its pieces (`protocol/ip/offload.ts` has the layout).
   *
   * @returns index of the first one not written, `count` when all are done
   */
  tunWriteGather(
    tun: TunHandle,
    buffer: Uint8Array,
    messages: Int32Array,
    pieces: Int32Array,
    from: number,
    count: number,
  ): number;
  tunClose(tun: TunHandle): void;
}
