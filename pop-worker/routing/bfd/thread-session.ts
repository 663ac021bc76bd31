import type { Timing } from '#protocol/bfd/parameters.ts';
import type { Diagnostic } from '#protocol/bfd/state.ts';
import type { BfdChange, BfdCommand, BfdNotice } from './messages.ts';
import { type BfdSessionConfig, rowOf } from './setup.ts';

type SessionNotice = Exclude<BfdNotice, { type: 'ready' | 'held' | 'stopped' }>;

/** What the owner of a session is told. */
export interface BfdListener {
  changed(change: BfdChange): void;
  /** It cannot be had, and is over; one sentence. */
  refused(message: string): void;
  /** It waits for an address, an interface or a port; one sentence. */
  unopened?(message: string): void;
  /** It has its sockets and sends. */
  opened?(): void;
  /** Another timing was refused; one sentence. */
  kept?(message: string): void;
}

/** The sessions that one thread asked the BFD thread for. */
export class ThreadSessions {
  readonly #table: SharedArrayBuffer;
  readonly #send: (command: BfdCommand) => void;
  readonly #sessions = new Map<number, ThreadSession>();
  #nextId = 1;

  constructor(table: SharedArrayBuffer, send: (command: BfdCommand) => void) {
    this.#table = table;
    this.#send = send;
  }

  /** Asks for a session; it is there, and heard of, until it is closed or refused. */
  open(config: BfdSessionConfig, listener: BfdListener): ThreadSession {
    const id = this.#nextId++;
    const session = new ThreadSession(id, this.#table, listener, (command) => this.#post(command));
    this.#sessions.set(id, session);
    this.#post({ type: 'open', id, config });
    return session;
  }

  take(notice: SessionNotice): void {
    this.#sessions.get(notice.id)?.take(notice);
    if (notice.type === 'refused') this.#sessions.delete(notice.id);
  }

  #post(command: BfdCommand): void {
    if (command.type === 'close') this.#sessions.delete(command.id);
    this.#send(command);
  }
}

/** One session as a thread that asked for it has it. */
export class ThreadSession {
  readonly #id: number;
  readonly #table: SharedArrayBuffer;
  readonly #listener: BfdListener;
  readonly #post: (command: BfdCommand) => void;
  #row: Float64Array | undefined;

  constructor(id: number, table: SharedArrayBuffer, listener: BfdListener, post: (command: BfdCommand) => void) {
    this.#id = id;
    this.#table = table;
    this.#listener = listener;
    this.#post = post;
  }

  /** Its row of `protocol/bfd/stats.ts`, which the BFD thread writes; undefined before it has sockets. */
  get stats(): Float64Array | undefined {
    return this.#row;
  }

  setTiming(timing: Timing): void {
    this.#post({ type: 'timing', id: this.#id, timing });
  }

  /** Takes it down administratively (RFC 5880 §6.8.16). */
  disable(diagnostic: Diagnostic): void {
    this.#post({ type: 'disable', id: this.#id, diagnostic });
  }

  enable(): void {
    this.#post({ type: 'enable', id: this.#id });
  }

  /** Says AdminDown to the peer for a while, then forgets it. Nothing is heard of it any more. */
  close(): void {
    this.#row = undefined;
    this.#post({ type: 'close', id: this.#id });
  }

  /** For `ThreadSessions`. */
  take(notice: SessionNotice): void {
    switch (notice.type) {
      case 'opened':
        this.#row = rowOf(this.#table, notice.index);
        this.#listener.opened?.();
        return;
      case 'refused':
        this.#listener.refused(notice.message);
        return;
      case 'unopened':
        this.#listener.unopened?.(notice.message);
        return;
      case 'kept':
        this.#listener.kept?.(notice.message);
        return;
      case 'changed':
        this.#listener.changed(notice);
    }
  }
}
