import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';

/** Ignores whatever happens on a QUIC connection; the programs overwrite what they care about. */
export class QuietConnection implements ConnectionSink {
  handshakeComplete(_connection: QuicConnection, _info: HandshakeInfo): void {}
  handshakeConfirmed(_connection: QuicConnection): void {}
  streamData(
    connection: QuicConnection,
    stream: number,
    _buffer: Uint8Array,
    start: number,
    end: number,
    _fin: boolean,
  ): void {
    connection.consume(stream, end - start);
  }
  streamReset(_connection: QuicConnection, _stream: number, _code: number): void {}
  streamStopSending(_connection: QuicConnection, _stream: number, _code: number): void {}
  streamWritable(_connection: QuicConnection, _stream: number): void {}
  streamClosed(_connection: QuicConnection, _stream: number): void {}
  streamsAvailable(_connection: QuicConnection, _bidirectional: boolean): void {}
  datagram(_connection: QuicConnection, _buffer: Uint8Array, _start: number, _end: number): void {}
  datagramWritable(_connection: QuicConnection): void {}
  ticket(_connection: QuicConnection, _data: Uint8Array): void {}
  closed(_connection: QuicConnection, _info: CloseInfo): void {}
}
