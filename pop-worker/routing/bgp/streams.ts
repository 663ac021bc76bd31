import { native } from '#host/native.ts';
import { TcpAttempt } from '#host/tcp/connect.ts';
import { setHops } from '#host/tcp/descriptor.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { addressOf, formatHost } from '#host/udp/address.ts';
import { ADDRESS_WORDS } from '#protocol/address.ts';
import { type Connection, Tcp } from '#protocol/bgp/fsm/connection.ts';
import type { Neighbour } from '#protocol/bgp/fsm/neighbour.ts';
import { MAX_MESSAGE_BYTES } from '#protocol/bgp/wire/header.ts';
import { type Notification, writeNotification } from '#protocol/bgp/wire/notification.ts';
import type { TimeUs } from '#protocol/contract.ts';
import type { BgpNeighbourConfig } from './setup.ts';

/** What the sockets of a neighbour need of whoever runs it. */
export interface StreamsOwner {
  now(): TimeUs;
  /** There is a connection, from this address of ours. */
  connected(index: number, local: string, port: number, isOutgoing: boolean): void;
  /** What a connection could not send at once has gone. */
  drained(index: number, isOutgoing: boolean): void;
  /** Something has changed: there may be something to do. */
  wake(): void;
}

const LOCAL_ANY = { 4: '0.0.0.0', 6: '::' } as const;

/** Of a connection that is refused. */
const DEAF = { received: () => {}, drained: () => {}, ended: () => {} };

/** The sockets of one neighbour: that of the connection which we made, and of the one which it made. */
export class Streams {
  readonly config: BgpNeighbourConfig;
  readonly remote: Int32Array;
  readonly #neighbour: Neighbour;
  readonly #owner: StreamsOwner;
  readonly #local = new Int32Array(ADDRESS_WORDS);
  #attempt: TcpAttempt | undefined;
  #outgoing: TcpStream | undefined;
  #incoming: TcpStream | undefined;
  #refused: TcpStream | undefined;

  constructor(config: BgpNeighbourConfig, neighbour: Neighbour, owner: StreamsOwner) {
    this.config = config;
    this.remote = addressOf(config.address, config.port);
    this.#neighbour = neighbour;
    this.#owner = owner;
  }

  connect(): void {
    this.#attempt?.close();
    const { outgoing } = this.#neighbour;
    const { localAddress, address, device, tcp } = this.config;
    const local = addressOf(localAddress ?? LOCAL_ANY[address.includes(':') ? 6 : 4]);
    try {
      this.#attempt = new TcpAttempt(local, device ?? '', this.remote, tcp, (result) => {
        this.#attempt = undefined;
        // Given up since, and nobody has looked yet at what there is to do: what was begun in its place has its own.
        const isWanted = outgoing.tcp === Tcp.connecting && !outgoing.wantsClose;
        if (!isWanted) {
          if (typeof result === 'number') native.tcpClose(result);
        } else if (typeof result === 'number') {
          this.#outgoing = this.#streamOf(result, outgoing);
          outgoing.connected(this.#owner.now());
        } else outgoing.lost(this.#owner.now(), `it cannot be reached: ${result.message}`);
        this.#owner.wake();
      });
    } catch (error) {
      const reason = `it cannot be connected to: ${(error as Error).message}`;
      outgoing.lost(this.#owner.now(), reason);
      this.#owner.wake();
    }
  }

  /** The neighbour has connected. @param descriptor is taken over @returns whether it is taken */
  accept(descriptor: number): boolean {
    try {
      setHops(descriptor, this.config.tcp);
    } catch {
      // It is gone already.
      native.tcpClose(descriptor);
      return false;
    }
    const refusal = this.#neighbour.accept(this.#owner.now());
    if (refusal !== undefined) {
      // Of those that are told why and have not gone yet, there is one at most, however many come.
      this.#refused?.reset();
      this.#refused = new TcpStream(descriptor, DEAF);
      refuse(this.#refused, refusal);
      return false;
    }
    this.#incoming?.reset();
    this.#incoming = this.#streamOf(descriptor, this.#neighbour.incoming);
    return true;
  }

  /** @returns whether `bytes` may be used again */
  send(isOutgoing: boolean, bytes: Uint8Array): boolean {
    const stream = isOutgoing ? this.#outgoing : this.#incoming;
    return stream?.write(bytes) ?? true;
  }

  /** @param isReset what was not sent is lost */
  close(isOutgoing: boolean, isReset: boolean): void {
    const stream = isOutgoing ? this.#outgoing : this.#incoming;
    if (isOutgoing) {
      this.#attempt?.close();
      this.#attempt = undefined;
      this.#outgoing = undefined;
    } else this.#incoming = undefined;
    if (isReset) stream?.reset();
    else stream?.close();
  }

  #streamOf(descriptor: number, connection: Connection): TcpStream {
    const owner = this.#owner;
    native.tcpLocal(descriptor, this.#local);
    const port = (this.#local[0] as number) >>> 16;
    owner.connected(this.#neighbour.index, formatHost(this.#local), port, connection.isOutgoing);
    const stream: TcpStream = new TcpStream(descriptor, {
      received: (bytes, length) => {
        connection.receive(bytes, 0, length, owner.now());
        owner.wake();
      },
      drained: () => {
        connection.setBlocked(false, owner.now());
        owner.drained(this.#neighbour.index, connection.isOutgoing);
        owner.wake();
      },
      ended: (reason) => {
        if (connection.isOutgoing) this.#outgoing = undefined;
        else this.#incoming = undefined;
        connection.lost(owner.now(), reason);
        owner.wake();
      },
    });
    return stream;
  }
}

const refuse = (stream: TcpStream, refusal: Notification): void => {
  const bytes = new Uint8Array(MAX_MESSAGE_BYTES);
  stream.write(bytes.subarray(0, writeNotification(bytes, 0, bytes.length, refusal)));
  stream.close();
};
