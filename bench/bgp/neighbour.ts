import { createConnection, type Socket } from 'node:net';
import { u16At } from '#protocol/bgp/wire/bytes.ts';
import { NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { HEADER_BYTES, MAX_MESSAGE_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { writeKeepalive } from '#protocol/bgp/wire/keepalive.ts';
import { parseNotification } from '#protocol/bgp/wire/notification.ts';
import { writeOpen } from '#protocol/bgp/wire/open.ts';

const HOLD_SECONDS = 180;
const KEEPALIVE_MS = 20_000;
const READ_BYTES = 256 * 1024;
const LENGTH_AT = HEADER_BYTES - 3;

/** What a neighbour does with a whole message that it was sent. */
export type Taking = (buffer: Uint8Array, at: number, end: number) => void;

/**
 * A neighbour of whoever is measured: opens a session over a socket, and then sends what it is given as it is. It has no
 * state machine and no timers but that of KEEPALIVE, and leaves unread what `take` is not there for.
 */
export class Neighbour {
  /** Resolves when the session is established. */
  readonly established: Promise<void>;
  readonly socket: Socket;
  readonly #established = Promise.withResolvers<void>();
  readonly #take: Taking | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #buffer = new Uint8Array(READ_BYTES + MAX_MESSAGE_BYTES);
  #kept = 0;
  #isDone = false;

  /** @param take undefined: what it is told is not looked at */
  constructor(open: () => Socket, as: number, identifier: number, take?: Taking) {
    this.#take = take;
    this.established = this.#established.promise;
    this.socket = open();
    this.#timer = setInterval(() => this.#keepalive(), KEEPALIVE_MS);
    const start = (): void => {
      this.socket.setNoDelay(true);
      const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
      const capabilities = { ...NO_CAPABILITIES, families: [Family.ipv4Unicast], fourOctetAs: as };
      const end = writeOpen(buffer, 0, { as, identifier, holdTimeS: HOLD_SECONDS, capabilities });
      this.socket.write(buffer.subarray(0, end));
    };
    if (this.socket.connecting) this.socket.once('connect', start);
    else start();
    this.socket.on('data', (bytes) => this.#receive(bytes));
    this.socket.on('error', (error) => this.#fail(error.message));
    this.socket.on('close', () => this.#fail('the connection was closed'));
  }

  /** As when its process dies: the kernel closes the connection. */
  die(): void {
    this.forget();
    this.socket.destroy();
  }

  /** Whatever becomes of the session is no fault from now on. */
  forget(): void {
    this.#isDone = true;
    clearInterval(this.#timer);
  }

  #fail(reason: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearInterval(this.#timer);
    const error = new Error(`${this.socket.localAddress}: ${reason}`);
    this.#established.reject(error);
    throw error;
  }

  #keepalive(): void {
    const buffer = new Uint8Array(HEADER_BYTES);
    writeKeepalive(buffer, 0);
    this.socket.write(buffer);
  }

  #receive(bytes: Uint8Array): void {
    const buffer = this.#buffer;
    for (let from = 0; from < bytes.length; from += READ_BYTES) {
      const piece = bytes.subarray(from, from + READ_BYTES);
      buffer.set(piece, this.#kept);
      const end = this.#kept + piece.length;
      let at = 0;
      while (end - at >= HEADER_BYTES) {
        const next = at + u16At(buffer, at + LENGTH_AT);
        if (next > end) break;
        this.#message(at, next);
        at = next;
      }
      buffer.copyWithin(0, at, end);
      this.#kept = end - at;
    }
  }

  #message(at: number, end: number): void {
    const buffer = this.#buffer;
    switch (buffer[at + HEADER_BYTES - 1]) {
      case MessageType.open:
        this.#keepalive();
        return;
      case MessageType.keepalive:
        this.#established.resolve();
        return;
      case MessageType.notification: {
        const { code, subcode } = parseNotification(buffer, at + HEADER_BYTES, end);
        this.#fail(`NOTIFICATION ${code}/${subcode}`);
        return;
      }
      case MessageType.update:
        this.#take?.(buffer, at, end);
    }
  }
}

/** @returns a way to connect from an address of ours */
export const connecting = (localAddress: string, host: string, port: number) => (): Socket =>
  createConnection({ localAddress, host, port });
