import type { QuicConnection } from './api.ts';
import { datagramCapacity } from './datagram-capacity.ts';
import type { Parts } from './parts.ts';

/** What an application may ask of a connection (`api.ts`): marks state, and wakes whoever polls. */
export abstract class Commands implements QuicConnection {
  #parts!: Parts;
  #wake: () => void = () => {};
  #answered: () => void = () => {};

  abstract closeByApplication(code: number, reason: string): void;

  protected attach(parts: Parts, wake: () => void, answered: () => void): void {
    this.#parts = parts;
    this.#wake = wake;
    this.#answered = answered;
  }

  get isServer(): boolean {
    return this.#parts.isServer;
  }

  // Methods, not getters: V8 calls private getters through its run time.
  #isOpen(): boolean {
    return this.#parts.closer.isOpen;
  }

  maxDatagramBytes(): number {
    return this.#isOpen() ? datagramCapacity(this.#parts) : 0;
  }

  openStream(bidirectional: boolean): number {
    return this.#isOpen() ? this.#parts.streams.openStream(bidirectional) : -1;
  }

  write(stream: number, chunk: Uint8Array, fin: boolean): void {
    if (!this.#isOpen()) return;
    this.#parts.streams.write(stream, chunk, fin);
    if (fin) this.#answered();
    this.#wake();
  }

  bufferedBytes(stream: number): number {
    return this.#parts.streams.bufferedBytes(stream);
  }

  reset(stream: number, code: number): void {
    if (!this.#isOpen()) return;
    this.#parts.streams.reset(stream, code);
    this.#wake();
  }

  stopSending(stream: number, code: number): void {
    if (!this.#isOpen()) return;
    this.#parts.streams.stopSending(stream, code);
    this.#wake();
  }

  consume(stream: number, bytes: number): void {
    if (!this.#isOpen()) return;
    this.#parts.streams.consume(stream, bytes);
    this.#wake();
  }

  setPriority(stream: number, urgency: number, incremental: boolean): void {
    if (this.#isOpen()) this.#parts.streams.setPriority(stream, urgency, incremental);
  }

  sendDatagram(buffer: Uint8Array, start: number, end: number): boolean {
    const most = this.maxDatagramBytes();
    if (most === 0 || end - start > most) return false;
    const parts = this.#parts;
    const taken = parts.datagrams.push(buffer, start, end);
    if (!taken) parts.datagramsRefused = true;
    this.#wake();
    return taken;
  }

  lastTicket(data: Uint8Array | undefined): void {
    if (!this.#isOpen()) return;
    this.#parts.handshake.lastTicket(data);
    this.#wake();
  }

  datagramRoom(): number {
    return this.#parts.datagrams.roomBytes;
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    return this.#parts.handshake.exporter(label, context, length);
  }

  close(code: number, reason: string): void {
    this.closeByApplication(code, reason);
  }
}
