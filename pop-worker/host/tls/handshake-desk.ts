import { nowUs } from '../clock/clock.ts';
import { native } from '../native.ts';
import { PollEvent, type PollHandle } from '../poll/native.ts';
import { DESK_WORDS, DeskTaken, type TlsDeskHandle, type TlsSessionHandle } from './native.ts';

/** A session whose handshake other threads do. */
export interface DeskClient {
  /** It was given back. */
  back(now: number): void;
  /** Whether early data is welcome; the thread that has the session waits for it, so this must not throw. */
  asked(): boolean;
}

const TAKEN_AT_ONCE = 64;

/**
 * Where a thread that owns connections hands handshakes over to the handshake threads of the process, and gets them back.
 * They are native: a flight of TLS needs no JavaScript, and secrets are never copied.
 */
export class HandshakeDesk {
  readonly #handle: TlsDeskHandle;
  readonly #poll: PollHandle;
  readonly #away = new Map<number, { readonly session: TlsSessionHandle; readonly client: DeskClient }>();
  readonly #taken = new Int32Array(DESK_WORDS * TAKEN_AT_ONCE);
  #id = 0;
  #closed = false;
  /** Called for each piece of work that is done, with how long it waited for a thread and took, in microseconds. */
  onDone: ((waitedUs: number, workedUs: number) => void) | undefined;

  /** @param threads 1 to 64 @throws Error with the errno's name as `code` when they cannot be started */
  constructor(threads: number) {
    this.#handle = native.tlsDeskOpen(threads);
    this.#poll = native.pollOpen(native.tlsDeskDescriptor(this.#handle), true, () => this.#take());
    native.pollSet(this.#poll, PollEvent.readable);
    native.pollRef(this.#poll, false);
  }

  /** Sessions that are with a thread or wait for one. */
  get away(): number {
    return this.#away.size;
  }

  /** Handshakes of the whole process that no thread has taken up yet. */
  get waiting(): number {
    return native.tlsDeskWaiting();
  }

  /** @returns false: the session answers at once, by `tlsReceive` */
  handOver(session: TlsSessionHandle, level: number, data: Uint8Array, client: DeskClient): boolean {
    this.#id = (this.#id + 1) & 0x7f_ff_ff_ff;
    if (!native.tlsHandOver(session, level, data, this.#handle, this.#id)) return false;
    // What is under way keeps the event loop alive.
    if (this.#away.size === 0) native.pollRef(this.#poll, true);
    this.#away.set(this.#id, { session, client });
    return true;
  }

  #take(): void {
    const now = nowUs();
    for (let count = TAKEN_AT_ONCE; count === TAKEN_AT_ONCE && !this.#closed; ) {
      count = native.tlsDeskTake(this.#handle, this.#taken);
      for (let at = 0; at < count * DESK_WORDS; at += DESK_WORDS) this.#one(at, now);
    }
    if (this.#away.size === 0 && !this.#closed) native.pollRef(this.#poll, false);
  }

  #one(at: number, now: number): void {
    const id = this.#taken[at] as number;
    const away = this.#away.get(id);
    if (away === undefined) return;
    if (this.#taken[at + 1] === DeskTaken.asks) {
      native.tlsAnswer(away.session, away.client.asked());
      return;
    }
    this.#away.delete(id);
    this.onDone?.(this.#taken[at + 2] as number, this.#taken[at + 3] as number);
    away.client.back(now);
  }

  /** Whatever is away does not come back. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { session } of this.#away.values()) native.tlsClose(session);
    native.pollClose(this.#poll);
    native.tlsDeskClose(this.#handle);
  }
}
