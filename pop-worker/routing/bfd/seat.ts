import type { MessagePort } from 'node:worker_threads';
import type { BfdNotice } from './messages.ts';
import type { BfdSessionConfig } from './setup.ts';
import { type BfdListener, type ThreadSession, ThreadSessions } from './thread-session.ts';

/** What another thread is posted to have sessions of the BFD thread; `port` is to be transferred. */
export interface BfdSeat {
  readonly port: MessagePort;
  readonly table: SharedArrayBuffer;
}

/**
 * The BFD thread as another than the main thread has it, for `BfdClients`: what happens to a session is told from thread to
 * thread, so that a main thread that is busy delays nothing. A path that another thread has already is refused.
 *
 * @public for a thread that does BGP
 */
export class SeatedBfd {
  readonly #port: MessagePort;
  readonly #sessions: ThreadSessions;

  constructor({ port, table }: BfdSeat) {
    this.#port = port;
    this.#sessions = new ThreadSessions(table, (command) => port.postMessage(command));
    port.on('message', (notice: BfdNotice) => {
      if (notice.type !== 'ready' && notice.type !== 'held' && notice.type !== 'stopped') this.#sessions.take(notice);
    });
  }

  open(config: BfdSessionConfig, listener: BfdListener): ThreadSession {
    return this.#sessions.open(config, listener);
  }

  /** Ends its sessions administratively, as the end of the thread does. */
  close(): void {
    this.#port.close();
  }
}
