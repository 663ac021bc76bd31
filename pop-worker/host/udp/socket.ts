import { ADDRESS_WORDS, type AddressWords } from '#protocol/address.ts';
import { type Burst, D_LENGTH, D_OFFSET, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { native } from '../native.ts';
import { Readiness } from '../poll/readiness.ts';
import { parseAddress } from './address.ts';
import { UDP_COUNTERS, UdpFlag, type UdpHandle } from './native.ts';

export interface UdpOptions {
  /** Text of the address to bind to: `0.0.0.0`, `::` (dual-stack unless `v6only`), `192.0.2.1`. */
  readonly address: string;
  /** 0: the kernel chooses. */
  readonly port: number;
  /** Several sockets on one port, among which the kernel spreads flows (default false). */
  readonly reusePort?: boolean;
  /** Receive runs of equal datagrams of one flow as one message (default true). */
  readonly gro?: boolean;
  /** Send a descriptor's segments as one message (default true); false sends each by itself. */
  readonly gso?: boolean;
  /** Asked for beyond the system's limit first (SO_RCVBUFFORCE, root), then within it. */
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** SO_MARK, for policy routing; needs CAP_NET_ADMIN. */
  readonly mark?: number;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  readonly v6only?: boolean;
  /** Never fragment, ignore the kernel's idea of the path MTU (RFC 8899 probing; default true). */
  readonly dontFragment?: boolean;
  /** Tell each message's local address (default true). */
  readonly pktinfo?: boolean;
  /** Tell each message's ECN codepoint (default true). */
  readonly ecn?: boolean;
  /** Tell how long each message waited to be received, see `D_ECN` (default false). What tells that cannot be sent on. */
  readonly waited?: boolean;
  /** False omits the UDP checksum (IPv4); the kernel then refuses GSO. */
  readonly checksum?: boolean;
  /** Send with hop limit 255 (RFC 5082), as network control (DSCP CS6) and before other packets (default false). */
  readonly networkControl?: boolean;
  /** Tell each message's hop limit as it arrived, see `D_ECN` (default false). What tells that cannot be sent on. */
  readonly hopLimit?: boolean;
  /** Room for each received message (default 65536); a longer one is dropped and counted. */
  readonly slotBytes?: number;
}

/** What happened on a socket since it was opened; a message is one run of segments. */
export type UdpCounters = Record<(typeof UDP_COUNTERS)[number], number>;

const SENT_MESSAGES = UDP_COUNTERS.indexOf('sentMessages');

const flagsOf = (options: UdpOptions): number =>
  (options.reusePort === true ? UdpFlag.reusePort : 0) |
  (options.gro === false ? 0 : UdpFlag.gro) |
  (options.gso === false ? UdpFlag.gsoOff : 0) |
  (options.v6only === true ? UdpFlag.v6only : 0) |
  (options.dontFragment === false ? 0 : UdpFlag.dontFragment) |
  (options.pktinfo === false ? 0 : UdpFlag.pktinfo) |
  (options.ecn === false ? 0 : UdpFlag.ecn) |
  (options.waited === true ? UdpFlag.waited : 0) |
  (options.checksum === false ? UdpFlag.checksumOff : 0) |
  (options.networkControl === true ? UdpFlag.networkControl : 0) |
  (options.hopLimit === true ? UdpFlag.hopLimit : 0);

/** A UDP socket that moves bursts: one system call for many messages, GSO and GRO, ECN, local addresses. */
export class UdpSocket {
  readonly #handle: UdpHandle;
  readonly #values = new Float64Array(UDP_COUNTERS.length);
  readonly #readiness = new Readiness(() => native.udpDescriptor(this.#handle));

  private constructor(handle: UdpHandle) {
    this.#handle = handle;
  }

  /** Opens and binds in the calling thread's network namespace. @throws an Error with the errno's name as `code` */
  static open(options: UdpOptions): UdpSocket {
    const address = new Int32Array(ADDRESS_WORDS);
    parseAddress(options.address, options.port, address);
    return new UdpSocket(
      native.udpOpen(
        address,
        flagsOf(options),
        options.receiveBufferBytes ?? 0,
        options.sendBufferBytes ?? 0,
        options.mark ?? 0,
        options.device ?? '',
        options.slotBytes ?? 65_536,
      ),
    );
  }

  /**
   * Takes what has arrived, as far as `burst` has room; each message needs a slot of `slotBytes` free.
   *
   * @returns how many descriptors were added; 0 when nothing is waiting or the burst is full
   */
  receive(burst: Burst): number {
    const words = burst.words;
    const added = native.udpReceive(this.#handle, burst.buffer, words, burst.count, burst.used);
    if (added === 0) return 0;
    burst.count += added;
    const last = (burst.count - 1) * DESCRIPTOR_WORDS;
    burst.used = (words[last + D_OFFSET] as number) + (words[last + D_LENGTH] as number);
    return added;
  }

  /**
   * Sends the descriptors of `burst` from index `from`. What the kernel refuses for good is counted and skipped. When the
   * socket's buffer is full, `onceWritable` tells when to call again with the index that was returned; a descriptor of
   * which only some segments went is shortened in place to the others.
   *
   * @param to index behind the last descriptor to send
   * @returns index of the first descriptor not sent, `to` when none is left
   */
  send(burst: Burst, from = 0, to: number = burst.count): number {
    return native.udpSend(this.#handle, burst.buffer, burst.words, from, to);
  }

  /** Calls `callback` whenever something waits to be received; undefined stops. Keeps the event loop alive. */
  onReadable(callback: (() => void) | undefined): void {
    this.#readiness.onReadable(callback);
  }

  /** Calls `callback` once, when the socket takes datagrams again. */
  onceWritable(callback: () => void): void {
    this.#readiness.onceWritable(callback);
  }

  /**
   * Keeps looking, without sleeping, whether something waits to be received.
   *
   * @param mostUs microseconds until it is given up, 0 to 1000
   */
  look(mostUs: number): boolean {
    return native.udpLook(this.#handle, mostUs) === 1;
  }

  /** The bound address and port. */
  localAddress(): AddressWords {
    const words = new Int32Array(ADDRESS_WORDS);
    native.udpLocalAddress(this.#handle, words, 0);
    return words;
  }

  /** Bytes of buffer that the kernel granted, in the measure of the options. */
  get receiveBufferBytes(): number {
    return native.udpBufferBytes(this.#handle, false);
  }

  get sendBufferBytes(): number {
    return native.udpBufferBytes(this.#handle, true);
  }

  /** Datagrams that the kernel dropped, modulo 2^32: there was no room, or the filter refused them. */
  get kernelDrops(): number {
    return native.udpDrops(this.#handle);
  }

  /** Lets the kernel drop what a program refuses (SO_ATTACH_FILTER). @param program classic BPF; empty: no more */
  filter(program: Uint8Array): void {
    native.udpFilter(this.#handle, program);
  }

  /**
   * Has a program say which of the sockets that share this one's port gets a datagram (SO_ATTACH_REUSEPORT_CBPF): the one of
   * the index that it returns, in the order in which they were bound; by the flow where there is none of that index. Its
   * offsets count from the UDP payload. @param program classic BPF; empty: no more
   */
  steer(program: Uint8Array): void {
    native.udpSteer(this.#handle, program);
  }

  /** Messages that the kernel took so far; asking allocates nothing. */
  get sentMessages(): number {
    native.udpCounters(this.#handle, this.#values);
    return this.#values[SENT_MESSAGES] as number;
  }

  get counters(): UdpCounters {
    const values = this.#values;
    native.udpCounters(this.#handle, values);
    return Object.fromEntries(UDP_COUNTERS.map((name, i) => [name, values[i]])) as UdpCounters;
  }

  /** May be called twice, and inside a callback; no callback comes afterwards. */
  close(): void {
    if (this.#readiness.close()) native.udpClose(this.#handle);
  }
}
