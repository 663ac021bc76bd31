import type { TimeUs } from '#protocol/contract.ts';
import type { Http3Observer } from '#protocol/http3/observer.ts';
import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
import type { ConnectionObserver, DropReason } from '#protocol/quic/observer.ts';
import type { Parts } from '#protocol/quic/parts.ts';
import type { Path } from '#protocol/quic/paths/path.ts';
import type { Level } from '#protocol/quic/ports.ts';
import type { Space } from '#protocol/quic/recovery/recovery.ts';
import type { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { ConnectivityEvents } from './connectivity.ts';
import { type Emit, hex, milliseconds } from './event.ts';
import type { QlogFormat } from './format/format.ts';
import { Http3Events } from './http3.ts';
import { PacketEvents } from './packets.ts';
import { ParameterEvents } from './parameters.ts';
import { RecoveryEvents } from './recovery.ts';
import { KeyEvents } from './security.ts';

/** Where the records of one trace go. */
export interface QlogSink {
  /** @returns whether it is taken; what is not is counted by the trace, too */
  record(text: string): boolean;
  /** The trace is over. @param last said even where nothing else is taken any more; empty for nothing */
  end(last: string): void;
  /** It is over, and was of nobody: nothing of it is to be kept. */
  discard(): void;
}

export interface TraceOptions {
  readonly format: QlogFormat;
  readonly sink: QlogSink;
  /** The clock of the connection: commands of HTTP/3 bring no time. */
  readonly now: () => TimeUs;
  /** What people's clocks show (RFC 3339). */
  readonly wallClock?: string;
}

/** How a trace and its file are named: by the Destination Connection ID of the client's first packet. */
export const groupIdOf = ({ handshake }: Parts): string => hex(handshake.cids.original);

/**
 * The qlog of one connection, from the connection's begin or from when it is asked for. What happens once is told by the
 * connection; what changes by and by is looked at before each packet and after each turn, and said when it is other than
 * before.
 */
export class QlogTrace implements ConnectionObserver {
  readonly http3: Http3Observer;
  readonly #parts: Parts;
  readonly #options: TraceOptions;
  readonly #began: TimeUs;
  #now: TimeUs;
  #leftOut = 0;
  #over = false;
  readonly #connectivity: ConnectivityEvents;
  readonly #parameters: ParameterEvents;
  readonly #packets: PacketEvents;
  readonly #keys: KeyEvents;
  readonly #recovery: RecoveryEvents;

  constructor(parts: Parts, options: TraceOptions) {
    const now = options.now();
    this.#parts = parts;
    this.#options = options;
    this.#began = now;
    this.#now = now;
    const vantage = parts.isServer ? 'server' : 'client';
    const head = { vantage, groupId: groupIdOf(parts), wallClock: options.wallClock } as const;
    options.sink.record(options.format.head(head));
    const emit: Emit = (name, data, tuple) => this.#emit(name, data, tuple);
    this.#connectivity = new ConnectivityEvents(parts, emit);
    this.#parameters = new ParameterEvents(parts, emit);
    this.#packets = new PacketEvents(parts, emit);
    this.#keys = new KeyEvents(parts, emit);
    this.#recovery = new RecoveryEvents(parts, emit);
    this.http3 = new Http3Events((name, data) => {
      this.#at(options.now());
      this.#emit(name, data, undefined);
    });
    this.settled(now);
  }

  #emit(name: string, data: Parameters<Emit>[1], tuple: string | undefined): void {
    if (this.#over) return;
    const time = this.#time();
    const { format, sink } = this.#options;
    const event = tuple === undefined ? { time, name, data } : { time, name, data, tuple };
    if (!sink.record(format.record(event))) this.#leftOut++;
  }

  #time(): number {
    return milliseconds(this.#now - this.#began);
  }

  /** Time only goes forward (main §7.1): a turn has the time when it began, and a trace may begin in the middle of it. */
  #at(now: TimeUs): void {
    this.#now = Math.max(this.#now, now);
  }

  /** What led to a packet comes before it. */
  #before(now: TimeUs): void {
    this.#at(now);
    this.#parameters.look();
    this.#keys.look();
  }

  packetSent(
    level: Level,
    packetNumber: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    path: Path,
    isMtuProbe: boolean,
    now: TimeUs,
  ): void {
    this.#before(now);
    const view = this.#packets.packet('sent', level, packetNumber, buffer, headerAt, start, end, path, isMtuProbe);
    this.#connectivity.header('sent', path, view);
  }

  packetReceived(
    level: Level,
    packetNumber: number,
    buffer: Uint8Array,
    headerAt: number,
    start: number,
    end: number,
    path: Path,
    now: TimeUs,
  ): void {
    this.#before(now);
    const view = this.#packets.packet('received', level, packetNumber, buffer, headerAt, start, end, path, false);
    this.#connectivity.header('received', path, view);
  }

  replyReceived(type: PacketType, bytes: number, versions: readonly number[], now: TimeUs): void {
    this.#at(now);
    this.#packets.reply(type, bytes, versions);
    if (versions.length > 0) this.#parameters.refused(versions);
  }

  packetDropped(reason: DropReason, level: Level | undefined, bytes: number, now: TimeUs): void {
    this.#at(now);
    this.#packets.dropped(reason, level, bytes);
  }

  packetBuffered(level: Level, bytes: number, now: TimeUs): void {
    this.#at(now);
    this.#packets.buffered(level, bytes);
  }

  packetLost(space: Space, packetNumber: number, isMtuProbe: boolean, byReordering: boolean, now: TimeUs): void {
    this.#at(now);
    this.#packets.lost(space, packetNumber, isMtuProbe, byReordering);
  }

  datagramsReceived(bytes: number, segment: number, ecn: number, now: TimeUs): void {
    this.#at(now);
    this.#packets.datagrams('received', bytes, segment, ecn);
  }

  datagramSent(bytes: number, ecn: number, now: TimeUs): void {
    this.#at(now);
    this.#packets.datagrams('sent', bytes, bytes, ecn);
  }

  handshakeComplete(info: HandshakeInfo, now: TimeUs): void {
    this.#before(now);
    this.#connectivity.handshakeComplete(info);
  }

  settled(now: TimeUs): void {
    this.#before(now);
    this.#connectivity.look();
    this.#recovery.look(now);
  }

  closed(info: CloseInfo, now: TimeUs): void {
    this.#before(now);
    this.#connectivity.closed(info);
  }

  forgotten(): void {
    const { isServer, counters } = this.#parts;
    // Whoever sends what does not authenticate leaves no trace.
    if (isServer && counters.packetsReceived === 0) this.#end(() => this.#options.sink.discard());
    else this.end();
  }

  /** No more of it, though the connection may go on. */
  end(): void {
    this.#end(() => {
      const { format, sink } = this.#options;
      const message = `${this.#leftOut} events were left out for lack of room`;
      const time = this.#time();
      const last = this.#leftOut === 0 ? '' : format.record({ time, name: 'loglevel:warning', data: { message } });
      sink.end(last);
    });
  }

  #end(act: () => void): void {
    if (this.#over) return;
    act();
    this.#over = true;
  }
}
