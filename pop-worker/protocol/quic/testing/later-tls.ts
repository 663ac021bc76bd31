import { NEVER, type TimeUs } from '../../contract.ts';
import type { Level, TlsEvent, TlsPort, TlsServerOptions, TlsSession } from '../ports.ts';

/** Handshakes as another thread does them: a server's sessions answer so much later, in the order of their asking. */
export class LaterTls implements TlsPort {
  readonly #port: TlsPort;
  readonly delayUs: number;
  readonly #pending: { readonly session: LaterSession; due: TimeUs }[] = [];
  readonly client: TlsPort['client'];
  /** What `load` says. */
  fullness = 0;
  readonly load = (): number => this.fullness;

  constructor(port: TlsPort, delayUs: number) {
    this.#port = port;
    this.delayUs = delayUs;
    this.client = (options) => port.client(options);
  }

  server(options: TlsServerOptions): TlsSession {
    const session: LaterSession = new LaterSession(this.#port.server(options), options.ready, () => {
      this.#pending.push({ session, due: NEVER });
    });
    return session;
  }

  get deadline(): TimeUs {
    return this.#pending.reduce((first, { due }) => Math.min(first, due), NEVER);
  }

  get waiting(): number {
    return this.#pending.length;
  }

  /** What is new waits from now on, what has waited long enough is done. */
  run(now: TimeUs): void {
    for (const job of this.#pending) if (job.due === NEVER) job.due = now + this.delayUs;
    for (let job = this.#pending[0]; job !== undefined && job.due <= now; job = this.#pending[0]) {
      this.#pending.shift();
      job.session.work(now);
    }
  }
}

class LaterSession implements TlsSession {
  readonly #session: TlsSession;
  readonly #ready: ((now: TimeUs) => void) | undefined;
  readonly #ask: () => void;
  #received: { readonly level: Level; readonly data: Uint8Array }[] = [];
  readonly #events: TlsEvent[] = [];
  #closed = false;

  constructor(session: TlsSession, ready: ((now: TimeUs) => void) | undefined, ask: () => void) {
    this.#session = session;
    this.#ready = ready;
    this.#ask = ask;
  }

  receive(level: Level, data: Uint8Array): void {
    if (this.#closed) return;
    if (this.#received.length === 0) this.#ask();
    this.#received.push({ level, data });
  }

  work(now: TimeUs): void {
    if (this.#closed) return;
    const received = this.#received;
    this.#received = [];
    for (const { level, data } of received) this.#session.receive(level, data);
    this.#hear();
    this.#ready?.(now);
  }

  #hear(): void {
    for (let event = this.#session.next(); event !== undefined; event = this.#session.next()) this.#events.push(event);
  }

  giveTicket(context: Uint8Array): void {
    this.#session.giveTicket(context);
    this.#hear();
  }

  next(): TlsEvent | undefined {
    return this.#events.shift();
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    return this.#session.exporter(label, context, length);
  }

  release(): void {
    this.#session.release();
  }

  close(): void {
    this.#closed = true;
    this.#session.close();
  }
}
