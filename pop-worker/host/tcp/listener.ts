import { ADDRESS_WORDS } from '#protocol/address.ts';
import { native } from '../native.ts';
import { Readiness } from '../poll/readiness.ts';
import { authenticate, setHops } from './descriptor.ts';
import type { TcpAuthentication } from './options.ts';

/** So many are taken in one turn of the event loop. */
const MOST_AT_ONCE = 64;
/** The system, or this process, has no more descriptors or memory: whoever connects waits. */
const SHORT: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
const PAUSE_MS = 100;

/** Takes connections at one address. Descriptors that it gives out belong to whoever gets them. */
export class TcpListener {
  readonly #descriptor: number;
  readonly #readiness: Readiness;
  readonly #remote = new Int32Array(ADDRESS_WORDS);
  readonly #accepted: (descriptor: number, remote: Int32Array) => void;
  #pause: NodeJS.Timeout | undefined;

  /**
   * @param local address and port
   * @param device interface that it is bound to; empty: any
   * @param accepted gets a connection, and who made it: words that are good for the call
   * @throws Error of the system
   */
  constructor(local: Int32Array, device: string, accepted: (descriptor: number, remote: Int32Array) => void) {
    this.#accepted = accepted;
    this.#descriptor = native.tcpOpen(local, device, true);
    this.#readiness = new Readiness(() => this.#descriptor);
    try {
      this.setLeastHopLimit(0);
      native.tcpListen(this.#descriptor);
      this.#readiness.onReadable(() => this.#take());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Has the kernel drop what comes with less; connections begin with it. What is sent begins with 255 (RFC 5082 §3). */
  setLeastHopLimit(least: number): void {
    setHops(this.#descriptor, { hopLimit: 255, leastHopLimit: least });
  }

  /** Has segments from this address authenticated, of connections that come from now on. */
  authenticate(remote: Int32Array, how: TcpAuthentication): void {
    authenticate(this.#descriptor, remote, how);
  }

  /** Takes them unsigned again. */
  forgetMd5(remote: Int32Array): void {
    native.tcpMd5(this.#descriptor, remote, new Uint8Array(0));
  }

  /**
   * Closes what has connected and was not taken yet: it came before the rules that were set last, by which it may be a
   * stranger's. Who may connect tries again.
   */
  refuseWaiting(): void {
    for (let descriptor = this.#accept(); descriptor >= 0; descriptor = this.#accept()) native.tcpClose(descriptor);
  }

  /** The address and port that it has. */
  local(): Int32Array {
    const words = new Int32Array(ADDRESS_WORDS);
    native.tcpLocal(this.#descriptor, words);
    return words;
  }

  close(): void {
    clearTimeout(this.#pause);
    if (this.#readiness.close()) native.tcpClose(this.#descriptor);
  }

  /** @returns -1 when there is none, or no descriptor for it: it waits */
  #accept(): number {
    try {
      return native.tcpAccept(this.#descriptor, this.#remote);
    } catch (error) {
      if (!SHORT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.#readiness.onReadable(undefined);
      this.#pause = setTimeout(() => this.#readiness.onReadable(() => this.#take()), PAUSE_MS);
      return -1;
    }
  }

  #take(): void {
    for (let i = 0; i < MOST_AT_ONCE; i++) {
      const descriptor = this.#accept();
      if (descriptor < 0) return;
      this.#accepted(descriptor, this.#remote);
    }
  }
}
