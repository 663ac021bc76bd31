/** ICMP echo by descriptors of raw sockets, each connected to one address. Addresses are the words of `protocol/address.ts`. */
export interface EchoNative {
  /** @param device interface to be bound to, or empty @throws EPERM without CAP_NET_RAW */
  echoOpen(remote: Int32Array, device: string): number;
  echoSend(descriptor: number, identifier: number, sequence: number): void;
  /** @returns the sequence number of the next answer to what was sent with this identifier, -1 when there is none */
  echoReceive(descriptor: number, identifier: number): number;
  echoClose(descriptor: number): void;
}
