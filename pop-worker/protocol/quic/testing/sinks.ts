import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '../api.ts';

/** Remembers what a connection told, and gives flow-control credit back at once unless told otherwise. */
export class RecordingSink implements ConnectionSink {
  readonly received = new Map<number, Uint8Array[]>();
  readonly finished = new Set<number>();
  readonly closedStreams = new Set<number>();
  readonly resets: { stream: number; code: number }[] = [];
  readonly stops: { stream: number; code: number }[] = [];
  readonly datagrams: Uint8Array[] = [];
  readonly tickets: Uint8Array[] = [];
  handshake: HandshakeInfo | undefined;
  confirmed = false;
  closes: CloseInfo[] = [];
  consumes = true;
  bytesReceived = 0;
  /** Called after the event was noted. */
  onStreamData: (connection: QuicConnection, stream: number, fin: boolean) => void = () => {};
  onComplete: (connection: QuicConnection) => void = () => {};
  onStreamsAvailable: (connection: QuicConnection) => void = () => {};
  onDatagramWritable: (connection: QuicConnection) => void = () => {};

  handshakeComplete(connection: QuicConnection, info: HandshakeInfo): void {
    this.handshake = info;
    this.onComplete(connection);
  }

  handshakeConfirmed(): void {
    this.confirmed = true;
  }

  streamData(
    connection: QuicConnection,
    stream: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    const chunks = this.received.get(stream);
    if (chunks === undefined) this.received.set(stream, [buffer.slice(start, end)]);
    else chunks.push(buffer.slice(start, end));
    this.bytesReceived += end - start;
    if (fin) this.finished.add(stream);
    if (this.consumes && end > start) connection.consume(stream, end - start);
    this.onStreamData(connection, stream, fin);
  }

  streamReset(_connection: QuicConnection, stream: number, code: number): void {
    this.resets.push({ stream, code });
  }

  streamStopSending(_connection: QuicConnection, stream: number, code: number): void {
    this.stops.push({ stream, code });
  }

  streamWritable(): void {}

  streamClosed(_connection: QuicConnection, stream: number): void {
    this.closedStreams.add(stream);
  }

  streamsAvailable(connection: QuicConnection): void {
    this.onStreamsAvailable(connection);
  }

  datagram(_connection: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    this.datagrams.push(buffer.slice(start, end));
  }

  datagramWritable(connection: QuicConnection): void {
    this.onDatagramWritable(connection);
  }

  ticket(_connection: QuicConnection, data: Uint8Array): void {
    this.tickets.push(data.slice());
  }

  closed(_connection: QuicConnection, info: CloseInfo): void {
    this.closes.push(info);
  }

  bytes(stream: number): Uint8Array {
    const chunks = this.received.get(stream) ?? [];
    const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      out.set(chunk, at);
      at += chunk.length;
    }
    return out;
  }
}

/** Bytes that differ from place to place and from seed to seed. */
export const pattern = (length: number, seed = 1): Uint8Array => {
  const out = new Uint8Array(length);
  let x = seed;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) | 0;
    out[i] = x >>> 16;
  }
  return out;
};
