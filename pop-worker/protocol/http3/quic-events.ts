import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import type { TimeUs } from '../contract.ts';
import type { Http3Sink } from './api.ts';
import type { Http3Connection } from './connection.ts';
import { readQuarterStreamId } from './datagrams.ts';
import { Http3ErrorCode, remoteError } from './errors.ts';
import type { FieldCoding } from './field-coding.ts';
import type { Lifecycle } from './lifecycle.ts';
import { PeerStreams } from './peer-streams.ts';
import { Sending } from './request-stream.ts';
import type { RequestTable } from './request-table.ts';

/**
 * What QUIC tells an HTTP/3 connection. Nothing the peer sends makes it throw: an error of the connection closes it with
 * the code of RFC 9114 §8.1 or RFC 9204 §6, and `connectionClosed` follows from QUIC.
 */
export class QuicEvents implements ConnectionSink {
  readonly #http3: Http3Connection;
  readonly #quic: QuicConnection;
  readonly #sink: Http3Sink;
  readonly #lifecycle: Lifecycle;
  readonly #coding: FieldCoding;
  readonly #requests: RequestTable;
  readonly #peerStreams: PeerStreams;
  readonly #quarter = { stream: 0, payload: 0 };

  constructor(
    http3: Http3Connection,
    sink: Http3Sink,
    lifecycle: Lifecycle,
    coding: FieldCoding,
    requests: RequestTable,
  ) {
    const { quic } = http3;
    this.#http3 = http3;
    this.#quic = quic;
    this.#sink = sink;
    this.#lifecycle = lifecycle;
    this.#coding = coding;
    this.#requests = requests;
    this.#peerStreams = new PeerStreams(lifecycle, coding, (stream, code) => quic.stopSending(stream, code));
  }

  handshakeComplete(_quic: QuicConnection, info: HandshakeInfo): void {
    this.#lifecycle.handshakeComplete(info);
  }

  handshakeConfirmed(): void {
    this.#sink.handshakeConfirmed(this.#http3);
  }

  streamData(_quic: QuicConnection, id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (this.#lifecycle.over) return;
    try {
      if ((id & 2) !== 0) {
        this.#peerStreams.data(id, buffer, start, end, fin);
        if (end > start) this.#quic.consume(id, end - start);
      } else this.#requests.incoming(id)?.receive(buffer, start, end, fin);
    } catch (error) {
      this.#lifecycle.fail(error);
    }
  }

  streamReset(_quic: QuicConnection, id: number, code: number): void {
    if (this.#lifecycle.over) return;
    try {
      if ((id & 2) !== 0) this.#peerStreams.reset(id);
      else this.#requests.reset(id, code);
    } catch (error) {
      this.#lifecycle.fail(error);
    }
  }

  streamStopSending(_quic: QuicConnection, id: number, code: number): void {
    if (this.#lifecycle.over) return;
    if (this.#lifecycle.isControl(id) || this.#coding.isOurs(id)) {
      // RFC 9114 §6.2.1, RFC 9204 §4.2: the receiver must not ask for that.
      this.#lifecycle.fail(remoteError(Http3ErrorCode.closedCriticalStream, 'STOP_SENDING for a critical stream'));
      return;
    }
    const stream = this.#requests.get(id);
    if (stream === undefined || stream.sending === Sending.over) return;
    stream.sending = Sending.over;
    this.#quic.reset(id, code);
    if (stream.announced) stream.sink.stopSending(this.#http3, id, code);
  }

  streamWritable(_quic: QuicConnection, id: number): void {
    const stream = this.#requests.get(id);
    if (stream?.announced) stream.sink.writable(this.#http3, id);
  }

  streamClosed(_quic: QuicConnection, id: number): void {
    this.#peerStreams.forget(id);
    const stream = this.#requests.remove(id);
    if (stream === undefined) return;
    if (stream.announced) stream.sink.closed(this.#http3, id);
    this.#lifecycle.checkDrained();
  }

  streamsAvailable(_quic: QuicConnection, bidirectional: boolean): void {
    if (bidirectional) this.#sink.streamsAvailable(this.#http3);
    else this.#lifecycle.flush();
  }

  datagram(_quic: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    if (this.#lifecycle.over) return;
    try {
      readQuarterStreamId(buffer, start, end, this.#quarter);
    } catch (error) {
      this.#lifecycle.fail(error);
      return;
    }
    const stream = this.#requests.getRecent(this.#quarter.stream);
    this.#http3.observer?.datagram('remote', this.#quarter.stream, end - this.#quarter.payload);
    if (stream === undefined || !stream.begun || stream.receivingOver) this.#http3.counters.receivedWithoutStream++;
    else if (stream.datagrams) stream.sink.datagram(this.#http3, stream.id, buffer, this.#quarter.payload, end);
    // RFC 9297 §2: this request gives datagrams no meaning.
    else this.#requests.abandon(stream, Http3ErrorCode.datagramError, 'datagram for a request without datagrams');
  }

  datagramWritable(): void {
    this.#sink.datagramWritable(this.#http3);
  }

  ticket(_quic: QuicConnection, data: Uint8Array): void {
    this.#sink.ticket(this.#http3, data);
  }

  closed(_quic: QuicConnection, info: CloseInfo, now: TimeUs): void {
    this.#lifecycle.end();
    this.#requests.closeAll(info.by === 'local' ? 'local' : 'remote', info.code, info.reason);
    this.#sink.connectionClosed(this.#http3, info, now);
  }
}
