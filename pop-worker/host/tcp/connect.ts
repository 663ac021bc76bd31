import { native } from '../native.ts';
import { Readiness } from '../poll/readiness.ts';
import { authenticate, setHops } from './descriptor.ts';
import type { TcpOptions } from './options.ts';

/** An attempt to connect. */
export class TcpAttempt {
  readonly #descriptor: number;
  readonly #readiness: Readiness;

  /**
   * @param local address to connect from, all zeros: whichever fits
   * @param device interface that it is bound to; empty: any
   * @param settled gets the descriptor, which is then the caller's, or why there is none; never called inside this
   * @throws Error of the system when it cannot be begun
   */
  constructor(
    local: Int32Array,
    device: string,
    remote: Int32Array,
    options: TcpOptions,
    settled: (result: Error | number) => void,
  ) {
    const descriptor = native.tcpOpen(local, device, false);
    this.#descriptor = descriptor;
    this.#readiness = new Readiness(() => descriptor);
    try {
      if (options.authentication !== undefined) authenticate(descriptor, remote, options.authentication);
      setHops(descriptor, options);
      if (options.mark !== undefined && options.mark !== 0) native.tcpMark(descriptor, options.mark);
      native.tcpConnect(descriptor, remote);
      const settle = (): void => this.#settle(settled);
      this.#readiness.onLost(settle);
      this.#readiness.onceWritable(settle);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Gives it up; nothing is told any more. */
  close(): void {
    if (this.#readiness.close()) native.tcpClose(this.#descriptor);
  }

  #settle(settled: (result: Error | number) => void): void {
    try {
      native.tcpConnected(this.#descriptor);
    } catch (error) {
      this.close();
      settled(error as Error);
      return;
    }
    this.#readiness.close();
    settled(this.#descriptor);
  }
}
