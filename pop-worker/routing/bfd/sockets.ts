import { randomInt } from 'node:crypto';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressFamily, sameHost } from '#protocol/address.ts';
import { FIRST_SOURCE_PORT, LAST_SOURCE_PORT, MULTI_HOP_PORT, SINGLE_HOP_PORT } from '#protocol/bfd/options.ts';
import { MOST_BYTES } from '#protocol/bfd/packet.ts';
import { Burst, D_LENGTH, D_REMOTE, D_SEGMENT } from '#protocol/burst.ts';
import { receiveFilter } from './receive-filter.ts';
import type { BfdSessionConfig } from './setup.ts';

/** Room for a received message; a Length field says at most 255. */
const SLOT_BYTES = 256;
const RECEIVE_BUFFER_BYTES = 1 << 18;
const PORT_TRIES = 64;

const COMMON = { gro: false, gso: false, ecn: false, pktinfo: false, dontFragment: false, v6only: true } as const;

/** Why sockets of a session cannot be opened now: one sentence with the mend. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

const sentence = (address: string, port: number, device: string, code: string): string => {
  switch (code) {
    case 'EADDRINUSE':
      return `${address} port ${port}/udp is in use by another process: end its BFD (\`ss -ulpn\` shows it) or leave the session to it.`;
    case 'EADDRNOTAVAIL':
      return `${address}: this machine does not have that address (yet): add it to an interface.`;
    case 'ENODEV':
      return `${device}: there is no such interface (yet).`;
    case 'EPERM':
    case 'EACCES':
      return `A BFD socket at ${address} may not be opened: run as root or with CAP_NET_RAW.`;
    default:
      return `A BFD socket at ${address} port ${port} cannot be opened (${code}).`;
  }
};

export const portOf = ({ multiHop }: Pick<BfdSessionConfig, 'multiHop'>): number =>
  multiHop ? MULTI_HOP_PORT : SINGLE_HOP_PORT;

/** Hears all sessions of one local address, port and interface. */
export class Receiver {
  readonly key: string;
  /** Its number among those of the thread. */
  readonly binding: number;
  readonly socket: UdpSocket;
  readonly #family: 4 | 6;
  readonly #singleHop: boolean;
  /** The peers of its sessions; undefined for one that may have any address. */
  readonly #sources: (Int32Array | undefined)[] = [];
  #drops = 0;

  constructor(key: string, binding: number, socket: UdpSocket, { local, multiHop }: BfdSessionConfig) {
    this.key = key;
    this.binding = binding;
    this.socket = socket;
    this.#family = addressFamily(addressOf(local));
    this.#singleHop = !multiHop;
  }

  get users(): number {
    return this.#sources.length;
  }

  /** One session more is to be heard here. */
  add(config: BfdSessionConfig): void {
    this.#sources.push(config.pointToPoint === true ? undefined : addressOf(config.remote));
    this.#filter();
  }

  remove(config: BfdSessionConfig): void {
    const remote = addressOf(config.remote);
    const isIts = (source: Int32Array | undefined): boolean =>
      source === undefined ? config.pointToPoint === true : sameHost(source, 0, remote, 0);
    this.#sources.splice(this.#sources.findIndex(isIts), 1);
    this.#filter();
  }

  /** Packets that the kernel dropped since it was asked last. */
  takeDrops(): number {
    const before = this.#drops;
    this.#drops = this.socket.kernelDrops;
    return (this.#drops - before) >>> 0;
  }

  #filter(): void {
    const known = this.#sources.filter((source) => source !== undefined);
    const sources = known.length === this.#sources.length ? known : undefined;
    this.socket.filter(receiveFilter({ family: this.#family, singleHop: this.#singleHop, sources }));
  }
}

/** Sends one session's packets, from a port of its own (RFC 5881 §4). */
export class Sender {
  readonly socket: UdpSocket;
  readonly port: number;
  /** The packet to send is written to its buffer. */
  readonly burst = new Burst(MOST_BYTES, 1);
  #sent = 0;

  constructor(socket: UdpSocket, port: number, remote: Int32Array) {
    this.socket = socket;
    this.port = port;
    this.burst.count = 1;
    this.burst.words.set(remote, D_REMOTE);
  }

  /** @returns whether the kernel took it */
  send(bytes: Uint8Array, length: number): boolean {
    const { buffer, words } = this.burst;
    for (let i = 0; i < length; i++) buffer[i] = bytes[i] as number;
    words[D_LENGTH] = length;
    words[D_SEGMENT] = length;
    this.socket.send(this.burst);
    const { sentMessages } = this.socket;
    const isTaken = sentMessages > this.#sent;
    this.#sent = sentMessages;
    return isTaken;
  }
}

/** The sockets of a BFD thread: a receiver for each place that is listened at, a sender for each session. */
export class Sockets {
  readonly #receivers = new Map<string, Receiver>();
  readonly #ports = new Set<number>();
  readonly #onReadable: (receiver: Receiver) => void;
  /** By key, also of receivers that are gone: who comes back to a place has its number. */
  readonly #bindings = new Map<string, number>();

  constructor(onReadable: (receiver: Receiver) => void) {
    this.#onReadable = onReadable;
  }

  get receivers(): Iterable<Receiver> {
    return this.#receivers.values();
  }

  /**
   * @param port to send from; undefined: any that is free
   * @throws SocketError; nothing stays open then
   */
  open(config: BfdSessionConfig, port?: number): { readonly receiver: Receiver; readonly sender: Sender } {
    const receiver = this.#receiver(config);
    try {
      const sender = this.#sender(config, port);
      receiver.add(config);
      return { receiver, sender };
    } catch (error) {
      this.#release(receiver);
      throw error;
    }
  }

  /** Packets that the kernel dropped since it was asked last: of strangers, from afar, or for want of room. */
  takeDrops(): number {
    let drops = 0;
    for (const receiver of this.#receivers.values()) drops += receiver.takeDrops();
    return drops;
  }

  /** @param config that both were opened with */
  close(receiver: Receiver, sender: Sender, config: BfdSessionConfig): void {
    receiver.remove(config);
    this.#release(receiver);
    sender.socket.close();
    this.#ports.delete(sender.port);
  }

  /** Starts or stops to listen: what has arrived meanwhile waits in the kernel. */
  listen(receiver: Receiver, does: boolean): void {
    receiver.socket.onReadable(does ? () => this.#onReadable(receiver) : undefined);
  }

  #receiver(config: BfdSessionConfig): Receiver {
    const { local, device = '' } = config;
    const port = portOf(config);
    const key = `${local} ${port} ${device}`;
    const known = this.#receivers.get(key);
    if (known !== undefined) return known;
    const options = { slotBytes: SLOT_BYTES, receiveBufferBytes: RECEIVE_BUFFER_BYTES, hopLimit: true };
    const socket = openSocket(local, port, device, options);
    const binding = this.#bindings.get(key) ?? this.#bindings.size;
    this.#bindings.set(key, binding);
    const receiver = new Receiver(key, binding, socket, config);
    this.#receivers.set(key, receiver);
    this.listen(receiver, true);
    return receiver;
  }

  #release(receiver: Receiver): void {
    if (receiver.users > 0) return;
    receiver.socket.close();
    this.#receivers.delete(receiver.key);
  }

  #sender(config: BfdSessionConfig, wanted: number | undefined): Sender {
    const { local, device = '' } = config;
    for (let tries = 1; ; tries++) {
      const port = tries === 1 && wanted !== undefined ? wanted : this.#drawPort();
      try {
        const socket = openSocket(local, port, device, { networkControl: true, slotBytes: 1 });
        this.#ports.add(port);
        return new Sender(socket, port, addressOf(config.remote, portOf(config)));
      } catch (error) {
        const isTaken = error instanceof SocketError && codeOf(error.cause) === 'EADDRINUSE';
        if (!isTaken || tries === PORT_TRIES) throw error;
      }
    }
  }

  #drawPort(): number {
    for (;;) {
      const port = randomInt(FIRST_SOURCE_PORT, LAST_SOURCE_PORT + 1);
      if (!this.#ports.has(port)) return port;
    }
  }
}

const openSocket = (
  address: string,
  port: number,
  device: string,
  options: Omit<Parameters<typeof UdpSocket.open>[0], 'address' | 'port'>,
): UdpSocket => {
  try {
    return UdpSocket.open({ ...COMMON, ...options, address, port, device });
  } catch (cause) {
    // A text that is no address is a mistake of the caller.
    if (cause instanceof TypeError) throw cause;
    throw new SocketError(sentence(address, port, device, codeOf(cause)), { cause });
  }
};
