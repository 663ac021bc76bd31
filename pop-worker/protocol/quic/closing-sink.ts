import type { FrameSink } from './wire/frames/sink.ts';

/** While closing, CONNECTION_CLOSE is all that still matters of a packet (RFC 9000 §10.2.1). */
export class ClosingSink implements FrameSink {
  readonly #closed: (application: boolean, code: number) => void;

  constructor(closed: (application: boolean, code: number) => void) {
    this.#closed = closed;
  }

  connectionClose(application: boolean, code: number): void {
    this.#closed(application, code);
  }

  padding(): void {}
  ping(): void {}
  ack(): void {}
  resetStream(): void {}
  stopSending(): void {}
  crypto(): void {}
  newToken(): void {}
  stream(): void {}
  maxData(): void {}
  maxStreamData(): void {}
  maxStreams(): void {}
  dataBlocked(): void {}
  streamDataBlocked(): void {}
  streamsBlocked(): void {}
  newConnectionId(): void {}
  retireConnectionId(): void {}
  pathChallenge(): void {}
  pathResponse(): void {}
  handshakeDone(): void {}
  immediateAck(): void {}
  ackFrequency(): void {}
  datagram(): void {}
}
