import type { ConnectionSink, QuicConnection } from '../../api.ts';
import { FrameKind } from '../../recovery/frame-kind.ts';
import { parseFrames } from '../../wire/frames/parse.ts';
import type { FrameSink } from '../../wire/frames/sink.ts';
import { PacketType } from '../../wire/packet/packet-type.ts';
import { Reader } from '../../wire/reader.ts';
import { type PeerLimits, Streams, type StreamsOptions } from '../streams.ts';
import { ArrayLog, type FrameRecord } from './log.ts';

export const LIMITS: PeerLimits = {
  initialMaxData: 40_000,
  initialMaxStreamDataBidiLocal: 10_000,
  initialMaxStreamDataBidiRemote: 10_000,
  initialMaxStreamDataUni: 10_000,
  initialMaxStreamsBidi: 8,
  initialMaxStreamsUni: 8,
};

/** A packet on its way: bytes, and what its sender noted. */
export interface Packet {
  readonly bytes: Uint8Array;
  readonly frames: readonly FrameRecord[];
}

const nothing = (): void => {};
const connection = {} as QuicConnection;

/** One end: streams, an application that notes everything, and packets of a given size. */
export class Peer {
  readonly streams: Streams;
  /** Bytes received by stream. */
  readonly received = new Map<number, number[]>();
  readonly ended = new Set<number>();
  /** Events in order, as text: `reset 4 7`, `closed 4`… */
  readonly events: string[] = [];
  /** The application consumes what it is given at once. */
  consumes = true;
  onData: (stream: number, fin: boolean) => void = nothing;
  onWritable: (stream: number) => void = nothing;
  now = 0;
  readonly #sink: FrameSink;

  constructor(isServer: boolean, options: Partial<StreamsOptions> = {}) {
    const application = {
      streamData: (_: QuicConnection, id: number, buffer: Uint8Array, start: number, end: number, fin: boolean) => {
        const bytes = this.received.get(id) ?? [];
        this.received.set(id, bytes);
        for (let i = start; i < end; i++) bytes.push(buffer[i] as number);
        if (fin) this.ended.add(id);
        if (this.consumes) this.streams.consume(id, end - start);
        this.onData(id, fin);
      },
      streamReset: (_: QuicConnection, id: number, code: number) => this.events.push(`reset ${id} ${code}`),
      streamStopSending: (_: QuicConnection, id: number, code: number) => this.events.push(`stop ${id} ${code}`),
      streamWritable: (_: QuicConnection, id: number) => this.onWritable(id),
      streamClosed: (_: QuicConnection, id: number) => this.events.push(`closed ${id}`),
      streamsAvailable: (_: QuicConnection, bidi: boolean) => this.events.push(`available ${bidi ? 'bidi' : 'uni'}`),
    } as unknown as ConnectionSink;
    this.streams = new Streams(
      { isServer, ...LIMITS, maxConnectionWindow: 100_000, maxStreamWindow: 50_000, ...options },
      connection,
      application,
    );
    const streams = this.streams;
    this.#sink = {
      ...Object.fromEntries(
        ['padding', 'ping', 'ack', 'crypto', 'newToken', 'newConnectionId', 'retireConnectionId'].map((name) => [
          name,
          nothing,
        ]),
      ),
      stream: streams.stream.bind(streams),
      resetStream: streams.resetStream.bind(streams),
      stopSending: streams.stopSendingReceived.bind(streams),
      maxData: streams.maxData.bind(streams),
      maxStreamData: streams.maxStreamData.bind(streams),
      maxStreams: streams.maxStreams.bind(streams),
      dataBlocked: streams.dataBlocked.bind(streams),
      streamDataBlocked: streams.streamDataBlocked.bind(streams),
      streamsBlocked: streams.streamsBlocked.bind(streams),
    } as FrameSink;
  }

  /** Advances the clock; streams that are over are forgotten. */
  tick(us = 0): void {
    this.now += us;
    this.streams.tick(this.now, 10_000);
  }

  /** One packet of at most `size` bytes, undefined when there is nothing to send. */
  packet(size = 200): Packet | undefined {
    this.tick();
    const buffer = new Uint8Array(size + 3);
    const log = new ArrayLog();
    const end = this.streams.writeFrames(buffer, 3, size + 3, log);
    return end === 3 ? undefined : { bytes: buffer.slice(3, end), frames: log.frames };
  }

  /** All there is to send now. */
  packets(size = 200): Packet[] {
    const all: Packet[] = [];
    for (let next = this.packet(size); next !== undefined; next = this.packet(size)) all.push(next);
    return all;
  }

  receive(packet: Packet): void {
    this.tick();
    parseFrames(new Reader().reset(packet.bytes, 0, packet.bytes.length), PacketType.oneRtt, this.#sink);
  }

  acked(packet: Packet): void {
    this.tick();
    for (const [kind, a, b, c] of packet.frames) this.streams.frameAcked(kind, a, b, c);
  }

  lost(packet: Packet): void {
    this.tick();
    for (const [kind, a, b, c] of packet.frames) this.streams.frameLost(kind, a, b, c);
  }
}

export const kindsOf = (packet: Packet | undefined): string[] =>
  (packet?.frames ?? []).map(([kind]) => Object.entries(FrameKind).find(([, value]) => value === kind)?.[0] ?? '?');

/** A client and a server that know each other's limits. */
export const pair = (client: Partial<StreamsOptions> = {}, server: Partial<StreamsOptions> = {}): [Peer, Peer] => {
  const a = new Peer(false, client);
  const b = new Peer(true, server);
  a.streams.setPeerLimits({ ...LIMITS, ...server }, 'final');
  b.streams.setPeerLimits({ ...LIMITS, ...client }, 'final');
  return [a, b];
};

/** Moves packets both ways, all delivered and acknowledged, until both are silent. */
export const settle = (a: Peer, b: Peer, size = 200): void => {
  for (let quiet = false; !quiet; ) {
    quiet = true;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const packet of from.packets(size)) {
        quiet = false;
        to.receive(packet);
        from.acked(packet);
      }
    }
  }
  a.tick();
  b.tick();
};

/** Bytes that tell their place. */
export const pattern = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8) * 13 + seed) & 0xff);
