import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ThreadPeers } from '#dataplane/wireguard/thread-peers.ts';
import type { PeerThreadAnswer, PeerThreadCommand } from './peer-changes-thread.ts';

/** Threads with nothing but the WireGuard of a worker's data-plane threads. */
export class PeerThreads {
  readonly #workers: readonly Worker[];
  /** The longest stand-still of one of them since it was set to 0, in milliseconds. */
  longestMs = 0;

  constructor(threads: number, privateKey: Uint8Array) {
    const script = new URL('./peer-changes-thread.ts', import.meta.url);
    const start = (_: unknown, index: number): Worker =>
      new Worker(script, { workerData: { index, threads, privateKey } });
    this.#workers = Array.from({ length: threads }, start);
  }

  post(thread: number, peers: ThreadPeers): void {
    this.#post(this.#workers[thread], { type: 'peers', peers });
  }

  #post(worker: Worker | undefined, command: PeerThreadCommand): void {
    worker?.postMessage(command);
  }

  /** @returns how many peers they have; what was posted before is taken, if not done */
  async ask(): Promise<number> {
    let peers = 0;
    for (const worker of this.#workers) {
      const answered = once(worker, 'message');
      this.#post(worker, { type: 'ask' });
      const [answer] = (await answered) as [PeerThreadAnswer];
      peers += answer.peers;
      this.longestMs = Math.max(this.longestMs, answer.longestMs);
    }
    return peers;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
