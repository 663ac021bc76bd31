import type { ConnectionSink, HandshakeInfo } from '#protocol/quic/api.ts';
import type { Half } from './memory-half.ts';
import { type MemoryLimits, MemoryQuic, type MemoryStream, ROOMY, type Wire } from './memory-quic.ts';
import { seeded } from './random.ts';

/** Lent buffers are overwritten after the call: whoever kept one notices. */
const SCRIBBLE = 0xa5;

/**
 * A client and a server joined in memory. `run` moves everything that waits, in random pieces and in a random order
 * between streams (in order on each), until nothing is left.
 */
export class MemoryPair {
  readonly client: MemoryQuic;
  readonly server: MemoryQuic;
  readonly #wire: Wire;
  readonly #random: () => number;
  readonly #largestPiece: number;
  readonly #lent = new Uint8Array(4096);

  /** @param largestPiece bytes of stream data in one event, at most 4000 */
  constructor(seed: number, limits: Partial<MemoryLimits> = {}, largestPiece = 1000) {
    this.#wire = { limits: { ...ROOMY, ...limits }, streams: new Map(), active: new Set(), blocked: new Set() };
    this.#random = seeded(seed);
    this.#largestPiece = largestPiece;
    this.client = new MemoryQuic(false, this.#wire);
    this.server = new MemoryQuic(true, this.#wire);
    this.client.peerWindow = (bytes) => {
      this.server.window += bytes;
    };
    this.server.peerWindow = (bytes) => {
      this.client.window += bytes;
    };
  }

  connect(client: ConnectionSink, server: ConnectionSink, earlyData: HandshakeInfo['earlyData'] = 'none'): void {
    this.client.sink = client;
    this.server.sink = server;
    const info = { alpn: 'h3', resumed: false, earlyData, peerCertificate: undefined } as const;
    server.handshakeComplete(this.server, info);
    client.handshakeComplete(this.client, info);
    server.handshakeConfirmed(this.server);
    client.handshakeConfirmed(this.client);
  }

  run(): void {
    for (;;) {
      const ids = [...this.#wire.active];
      let moved = this.#datagrams(this.client, this.server) || this.#datagrams(this.server, this.client);
      for (let turns = ids.length; turns > 0; turns--) {
        const id = ids[Math.floor(this.#random() * ids.length)] as number;
        moved = this.#step(id) || moved;
      }
      for (const id of ids) moved = this.#step(id) || moved;
      moved = this.#close() || moved;
      if (!moved) return;
    }
  }

  #step(id: number): boolean {
    const stream = this.#wire.streams.get(id);
    if (stream === undefined || this.#over()) {
      this.#wire.active.delete(id);
      return false;
    }
    const moved =
      this.#half(stream, stream.halves[0], this.client, this.server) ||
      this.#half(stream, stream.halves[1], this.server, this.client);
    if (!moved) this.#wire.active.delete(id);
    this.#endOf(stream);
    return moved;
  }

  #over(): boolean {
    return this.client.closing !== undefined || this.server.closing !== undefined;
  }

  #half(stream: MemoryStream, half: Half | undefined, from: MemoryQuic, to: MemoryQuic): boolean {
    if (half === undefined || half.over || half.finDelivered) return false;
    if (half.stopCode >= 0 && !half.stopDelivered) {
      half.stopDelivered = true;
      from.sink.streamStopSending(from, stream.id, half.stopCode);
      return true;
    }
    if (half.resetCode >= 0) {
      half.resetDelivered = true;
      to.giveBack(half, half.unconsumed);
      if (half.stopCode < 0) to.sink.streamReset(to, stream.id, half.resetCode);
      return true;
    }
    const bytes = Math.min(
      half.buffered,
      half.window,
      from.window,
      1 + Math.floor(this.#random() * this.#largestPiece),
    );
    if (from.window === 0 && half.buffered > 0) this.#wire.blocked.add(stream.id);
    const fin = half.fin && bytes === half.buffered;
    if (bytes === 0 && !fin) return this.#writable(stream, half, from);
    this.#deliver(stream, half, from, to, bytes, fin);
    return true;
  }

  #deliver(stream: MemoryStream, half: Half, from: MemoryQuic, to: MemoryQuic, bytes: number, fin: boolean): void {
    const at = Math.floor(this.#random() * 50);
    half.take(bytes, this.#lent, at);
    half.window -= bytes;
    from.window -= bytes;
    half.unconsumed += bytes;
    half.finDelivered = fin;
    if (half.stopCode >= 0) to.giveBack(half, bytes);
    else to.sink.streamData(to, stream.id, this.#lent, at, at + bytes, fin);
    this.#lent.fill(SCRIBBLE);
  }

  #writable(stream: MemoryStream, half: Half, from: MemoryQuic): boolean {
    if (!half.writableOwed || half.buffered > 0) return false;
    half.writableOwed = false;
    from.sink.streamWritable(from, stream.id);
    return true;
  }

  /** Both directions are over: each end hears of it once, and the stream makes room for another. */
  #endOf(stream: MemoryStream): void {
    if (this.#over() || stream.halves.some((half) => half !== undefined && !half.over)) return;
    if (!this.#wire.streams.delete(stream.id)) return;
    this.#wire.active.delete(stream.id);
    for (const [side, end] of [this.client, this.server].entries()) {
      const half = stream.halves[1 - side];
      if (half !== undefined && half.unconsumed > 0) end.giveBack(half, half.unconsumed);
      end.sink.streamClosed(end, stream.id);
    }
    const opener = (stream.id & 1) === 0 ? this.client : this.server;
    const kind = (stream.id & 2) === 0 ? 'bidirectional' : 'unidirectional';
    opener.allowed[kind]++;
    if (!opener.refused[kind]) return;
    opener.refused[kind] = false;
    opener.sink.streamsAvailable(opener, kind === 'bidirectional');
  }

  #datagrams(from: MemoryQuic, to: MemoryQuic): boolean {
    const moved = from.datagrams.length > 0;
    for (const datagram of from.datagrams.splice(0)) {
      if (this.#over()) continue;
      const at = Math.floor(this.#random() * 50);
      this.#lent.set(datagram, at);
      to.sink.datagram(to, this.#lent, at, at + datagram.length);
      this.#lent.fill(SCRIBBLE);
    }
    if (from.datagramsRefused) {
      from.datagramsRefused = false;
      from.sink.datagramWritable(from);
    }
    return moved;
  }

  #close(): boolean {
    let moved = false;
    for (const [end, peer] of [
      [this.client, this.server],
      [this.server, this.client],
    ] as const) {
      if (end.closing === undefined || end.closedTold) continue;
      end.closedTold = true;
      end.sink.closed(end, end.closing, 0);
      peer.closing ??= { ...end.closing, by: 'remote' };
      moved = true;
    }
    return moved;
  }
}
