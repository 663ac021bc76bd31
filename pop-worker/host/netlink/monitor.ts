import { NetlinkError } from '#protocol/netlink/errors.ts';
import { MessageReader } from '#protocol/netlink/header.ts';
import { KINDS, type Objects } from '#protocol/netlink/kinds.ts';
import { DATAGRAM_BYTES, NetlinkSocket, Received } from './socket.ts';

/** What the kernel tells of itself. */
export interface MonitorSink {
  changed<Name extends keyof Objects>(kind: Name, what: 'added' | 'deleted', object: Objects[Name]): void;
  /** Something was not told, or could not be understood: what is known must be asked for anew. */
  lost(): void;
}

export interface MonitorOptions {
  readonly kinds: readonly (keyof Objects)[];
  /** SO_RCVBUF; the more, the later something is lost. */
  readonly receiveBufferBytes?: number;
  /** Of a socket of ours whose doings are not told. */
  readonly ignoredPort?: number;
}

/** Datagrams at a wake-up, until other work of the thread gets its turn. */
const MOST_AT_ONCE = 64;

interface Known {
  readonly name: keyof Objects;
  readonly what: 'added' | 'deleted';
}

const BY_TYPE: ReadonlyMap<number, Known> = new Map(
  (Object.keys(KINDS) as (keyof Objects)[]).flatMap((name): [number, Known][] => [
    [KINDS[name].types.added, { name, what: 'added' }],
    [KINDS[name].types.deleted, { name, what: 'deleted' }],
  ]),
);

/** Hears of changes in the network namespace of the thread that opened it. */
export class NetlinkMonitor {
  readonly #socket: NetlinkSocket;
  readonly #sink: MonitorSink;
  readonly #buffer = new Uint8Array(DATAGRAM_BYTES);
  readonly #reader = new MessageReader();
  /** How often something was lost: the socket was full (ENOBUFS), or a message was no message. */
  overruns = 0;
  unreadable = 0;
  notifications = 0;

  private constructor(socket: NetlinkSocket, sink: MonitorSink) {
    this.#socket = socket;
    this.#sink = sink;
  }

  /** @throws an Error with the errno's name as `code` */
  static open(options: MonitorOptions, sink: MonitorSink): NetlinkMonitor {
    const socket = NetlinkSocket.open(options.receiveBufferBytes ?? 0);
    const monitor = new NetlinkMonitor(socket, sink);
    try {
      if (options.ignoredPort !== undefined) socket.ignore(options.ignoredPort);
      for (const kind of options.kinds) for (const group of KINDS[kind].groups) socket.join(group);
      socket.onReadable(() => monitor.read());
    } catch (error) {
      socket.close();
      throw error;
    }
    return monitor;
  }

  /** Takes what waits, which also happens by itself. */
  read(): void {
    for (let i = 0; i < MOST_AT_ONCE; i++) {
      const length = this.#socket.receive(this.#buffer);
      if (length === Received.nothing) return;
      if (length > 0) this.#handle(length);
      else {
        this.overruns++;
        this.#sink.lost();
      }
    }
  }

  #handle(length: number): void {
    try {
      const reader = this.#reader;
      reader.begin(this.#buffer, length);
      while (reader.next()) this.#handleOne(reader);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.unreadable++;
      this.#sink.lost();
    }
  }

  #handleOne({ type, bytes, at, end }: MessageReader): void {
    const known = BY_TYPE.get(type);
    if (known === undefined) return;
    this.notifications++;
    this.#sink.changed(known.name, known.what, KINDS[known.name].read(bytes, at, end));
  }

  /** May be called twice, and inside the sink. */
  close(): void {
    this.#socket.close();
  }
}
