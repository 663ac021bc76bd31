/**
 * TCP sockets by their descriptors, non-blocking, before they are handed to `net.Socket`, which closes them. Addresses are
 * the six words of `protocol/address.ts`.
 */
export interface TcpNative {
  /**
   * @param local address and port to be bound to; all zeros: whichever it takes
   * @param device interface to be bound to, or empty
   */
  tcpOpen(local: Int32Array, device: string, listens: boolean): number;
  tcpListen(descriptor: number): void;
  /** @param remote takes the address of whoever connected @returns -1 when nobody waits */
  tcpAccept(descriptor: number, remote: Int32Array): number;
  /** Begins to connect; `tcpConnected` tells how it went, once it can be written. */
  tcpConnect(descriptor: number, remote: Int32Array): void;
  /** @throws with the errno's name as code when it could not connect */
  tcpConnected(descriptor: number): void;
  tcpLocal(descriptor: number, local: Int32Array): void;
  /** @param sent hop limit of what is sent @param least what comes with less is dropped by the kernel (RFC 5082) */
  tcpHops(descriptor: number, sent: number, least: number): void;
  /** SO_MARK of what is sent. @throws EPERM without CAP_NET_ADMIN */
  tcpMark(descriptor: number, mark: number): void;
  /** Has all segments of this address signed (RFC 2385). @param key at most 80 bytes; empty: no more */
  tcpMd5(descriptor: number, remote: Int32Array, key: Uint8Array): void;
  /** RFC 5925. @param algorithm as the kernel names it: `hmac(sha1)`, `cmac(aes128)` @throws ENOPROTOOPT before Linux 6.7 */
  tcpAo(
    descriptor: number,
    remote: Int32Array,
    sendId: number,
    receiveId: number,
    algorithm: string,
    key: Uint8Array,
  ): void;
  /** For one that is not handed over. */
  tcpClose(descriptor: number): void;
}
