import type { TimeUs } from '#protocol/contract.ts';
import { MeshError, MeshErrorCode } from '#protocol/mesh/errors.ts';
import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';

/** Bytes that may wait on a link's stream before the mesh holds back what can wait. */
const STREAM_ROOM_BYTES = 1 << 18;
/** And before the link is closed: who takes nothing for so long loses it, and is told all when it is back. */
const MOST_STREAM_BYTES = 1 << 24;
/** RFC 9000 §2.1: the first stream that a client opens. */
const CONTROL_STREAM = 0;
const EXPORTER_LABEL = 'EXPORTER-cloudbridge-mesh-handoff';
const SECRET_BYTES = 32;
const KEY_ID_BYTES = 4;

export interface LinkEvents {
  /** @param certificate DER of the other side's leaf @returns the member that it is @throws MeshError */
  identify(link: Link, certificate: Uint8Array | undefined): number;
  stream(link: Link, bytes: Uint8Array): void;
  datagram(link: Link, buffer: Uint8Array, start: number, end: number): void;
  closed(link: Link, reason: string): void;
  fault(error: unknown): void;
}

export interface LinkSecret {
  /** 32 bytes. */
  readonly secret: Uint8Array;
  /** 32 bits. */
  readonly keyId: number;
}

const NOTHING = new Uint8Array();

/** A QUIC connection to another worker: one stream for control, DATAGRAM frames for probes and packets. */
export class Link implements ConnectionSink {
  /** 0 until it is known who is there. */
  member: number;
  quic: QuicConnection | undefined;
  isOpen = false;
  readonly #events: LinkEvents;
  #stream = -1;
  /** What is to be said before who called has opened the stream. */
  readonly #early: Uint8Array[] = [];
  #earlyBytes = 0;

  /** @param member whom we call; 0: who calls will say it by its certificate */
  constructor(events: LinkEvents, member: number) {
    this.#events = events;
    this.member = member;
  }

  /** Whether the stream takes more that can wait. */
  room(): boolean {
    return this.quic !== undefined && this.#stream >= 0 && this.quic.bufferedBytes(this.#stream) < STREAM_ROOM_BYTES;
  }

  send(frame: Uint8Array): void {
    const { quic } = this;
    if (!this.isOpen || quic === undefined) return;
    const isEarly = this.#stream < 0;
    const waiting = isEarly ? this.#earlyBytes : quic.bufferedBytes(this.#stream);
    if (waiting + frame.length > MOST_STREAM_BYTES) {
      this.close(MeshErrorCode.stalled, `the other takes nothing: ${MOST_STREAM_BYTES} bytes wait for it`);
    } else if (isEarly) {
      this.#early.push(frame);
      this.#earlyBytes += frame.length;
    } else quic.write(this.#stream, frame, false);
  }

  /** What both ends have from the handshake of this link, and nobody else; and a number that both know it by. */
  secret(): LinkSecret {
    if (this.quic === undefined) throw new Error('a link has no secret before its handshake');
    const bytes = this.quic.exporter(EXPORTER_LABEL, NOTHING, SECRET_BYTES + KEY_ID_BYTES);
    const { buffer, byteOffset } = bytes;
    return { secret: bytes.slice(0, SECRET_BYTES), keyId: new DataView(buffer, byteOffset).getUint32(SECRET_BYTES) };
  }

  close(code: MeshErrorCode, reason: string): void {
    this.isOpen = false;
    this.quic?.close(code, reason);
  }

  #opened(): void {
    this.#stream = CONTROL_STREAM;
    for (const frame of this.#early.splice(0)) this.send(frame);
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof MeshError) this.close(error.code, error.message);
      else {
        this.#events.fault(error);
        this.close(MeshErrorCode.internal, 'internal error');
      }
    }
  }

  handshakeComplete(connection: QuicConnection, info: HandshakeInfo): void {
    this.quic = connection;
    this.#guard(() => {
      if (!connection.isServer) this.#stream = connection.openStream(true);
      this.isOpen = true;
      this.member = this.#events.identify(this, info.peerCertificate);
    });
  }

  streamData(
    connection: QuicConnection,
    stream: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    connection.consume(stream, end - start);
    if (!this.isOpen) return;
    this.#guard(() => {
      if (stream !== CONTROL_STREAM || fin) {
        throw new MeshError(MeshErrorCode.frame, 'remote', 'a link has one stream, which lasts as long as it does');
      }
      if (this.#stream < 0) this.#opened();
      this.#events.stream(this, buffer.subarray(start, end));
    });
  }

  datagram(_connection: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    if (this.isOpen) this.#guard(() => this.#events.datagram(this, buffer, start, end));
  }

  streamReset(): void {
    this.close(MeshErrorCode.frame, 'the stream of a link was reset');
  }

  streamStopSending(): void {
    this.close(MeshErrorCode.frame, 'the stream of a link was stopped');
  }

  closed(_connection: QuicConnection, { by, code, reason, application }: CloseInfo, _now: TimeUs): void {
    this.isOpen = false;
    const what = application ? `code ${code}` : `QUIC error ${code}`;
    this.#events.closed(
      this,
      by === 'idle' ? 'it did not answer' : `closed by ${by === 'local' ? 'us' : 'it'}: ${reason || what}`,
    );
  }

  handshakeConfirmed(): void {}
  streamWritable(): void {}
  streamClosed(): void {}
  streamsAvailable(): void {}
  datagramWritable(): void {}
  ticket(): void {}
}
