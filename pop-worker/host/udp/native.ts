declare const kind: unique symbol;
export type UdpHandle = { readonly [kind]: 'udp' };

/** Bits of `udpOpen`'s flags; `native/udp.h` has the same. */
export const UdpFlag = {
  reusePort: 1,
  gro: 2,
  v6only: 4,
  dontFragment: 8,
  pktinfo: 16,
  ecn: 32,
  gsoOff: 64,
  checksumOff: 128,
  waited: 256,
  networkControl: 512,
  hopLimit: 1024,
} as const;

/** Where each counter lies in what `udpCounters` fills; `native/udp.h` has the same order. */
export const UDP_COUNTERS = [
  'receivedMessages',
  'receivedSegments',
  'receivedBytes',
  'receiveTruncated',
  'receiveErrors',
  'sentMessages',
  'sentSegments',
  'sentBytes',
  /** Descriptors sent segment by segment. */
  'gsoFallbacks',
  /** How often the kernel would not do GSO, each time for the next 1024 descriptors. */
  'gsoRefusals',
  'wouldBlock',
  'tooLarge',
  'noBuffers',
  'refused',
  'notPermitted',
  'unreachable',
  'otherErrors',
] as const;

/** UDP sockets; `host/udp/socket.ts` is what others use. */
export interface UdpNative {
  /**
   * @param address six address words to bind to
   * @param flags bits of UdpFlag
   * @param receiveBufferBytes 0 for the kernel's default
   * @param sendBufferBytes 0 for the kernel's default
   * @param mark SO_MARK, 0 for none
   * @param device SO_BINDTODEVICE, '' for any
   * @param slotBytes room for each received message, 1 to 65536
   */
  udpOpen(
    address: Int32Array,
    flags: number,
    receiveBufferBytes: number,
    sendBufferBytes: number,
    mark: number,
    device: string,
    slotBytes: number,
  ): UdpHandle;
  udpDescriptor(socket: UdpHandle): number;
  /** Writes the six words of the bound address at `at`. */
  udpLocalAddress(socket: UdpHandle, words: Int32Array, at: number): void;
  /** What the kernel granted, in the same measure as was asked for. */
  udpBufferBytes(socket: UdpHandle, ofSending: boolean): number;
  /** @param into at least UDP_COUNTERS.length elements */
  udpCounters(socket: UdpHandle, into: Float64Array): void;
  /** Appends descriptors from `count` on, bytes from `used` on; @returns how many descriptors were added */
  udpReceive(socket: UdpHandle, buffer: Uint8Array, words: Int32Array, count: number, used: number): number;
  /** @param mostUs microseconds to keep looking for, 0 to 1000; @returns 1 when something is to be received, else 0 */
  udpLook(socket: UdpHandle, mostUs: number): number;
  /**
   * Sends descriptors `from` to `count - 1`. When the socket's buffer is full in the middle of a descriptor, that
   * descriptor is shortened in place to what has not gone.
   *
   * @returns index of the first descriptor not sent; `count` when all went or were counted as failed
   */
  udpSend(socket: UdpHandle, buffer: Uint8Array, words: Int32Array, from: number, count: number): number;
  /** As `udpFilter`: the index of the socket, among those of the port in the order of their binding, that gets a datagram. */
  udpSteer(socket: UdpHandle, program: Uint8Array): void;
  /** @param program classic BPF in the machine's byte order, 8 bytes an instruction; empty: none any more */
  udpFilter(socket: UdpHandle, program: Uint8Array): void;
  /** Datagrams that the kernel dropped for want of room or by the filter, modulo 2^32. */
  udpDrops(socket: UdpHandle): number;
  udpClose(socket: UdpHandle): void;
}
